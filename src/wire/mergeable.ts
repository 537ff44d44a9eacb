/** Which packets may be merged with others, and which belong to one flow (coalesce.ts). */

import { MIN_IPV4_BYTES, MIN_IPV6_BYTES } from '../limits.ts';
import { checksum } from './checksum.ts';
import { IP_PROTOCOL_TCP, IP_PROTOCOL_UDP, ipVersion, pseudoHeaderSum } from './ip.ts';
import {
  IPV4_SOURCE,
  ipv4HeaderBytes,
  ipv4Protocol,
  ipv4TotalLength,
  isIpv4ChecksumRight,
  isIpv4Fragment,
} from './ipv4.ts';
import { IPV6_SOURCE, ipv6NextHeader, ipv6PayloadLength } from './ipv6.ts';
import {
  MIN_TCP_BYTES,
  TCP_DATA_OFFSET,
  TCP_FLAGS,
  TCP_URGENT,
  TcpFlag,
  tcpHeaderBytes,
  UDP_CHECKSUM,
  UDP_HEADER_BYTES,
  UDP_LENGTH,
} from './transport.ts';
import { readUint16 } from './uint16.ts';

const IPV4 = 4;
const PORTS_BYTES = 4;
const LOW_NIBBLE = 0x0f;

/** What is known of a packet that may be merged. */
export interface Part {
  readonly version: number;
  readonly protocol: number;
  /** Where the transport header begins, and where the payload does. */
  readonly start: number;
  readonly header: number;
  readonly payload: number;
  readonly pushed: boolean;
}

/** What can be said of a packet that may be merged; undefined for any other. */
export function partOf(
  bytes: Uint8Array,
  packet: number,
  length: number,
  udp: boolean,
): Part | undefined {
  const version = ipVersion(bytes, packet);
  const start = version === IPV4 ? MIN_IPV4_BYTES : MIN_IPV6_BYTES;
  if (version === IPV4) {
    if (ipv4HeaderBytes(bytes, packet) !== start || ipv4TotalLength(bytes, packet) !== length) {
      return undefined;
    }
    if (isIpv4Fragment(bytes, packet) || !isIpv4ChecksumRight(bytes, packet)) return undefined;
  } else if (ipv6PayloadLength(bytes, packet) !== length - start) return undefined;
  const protocol = version === IPV4 ? ipv4Protocol(bytes, packet) : ipv6NextHeader(bytes, packet);
  const transport = packet + start;
  let header = start + UDP_HEADER_BYTES;
  let pushed = false;
  if (protocol === IP_PROTOCOL_TCP) {
    if (length < start + MIN_TCP_BYTES) return undefined;
    header = start + tcpHeaderBytes(bytes, transport);
    if (header < start + MIN_TCP_BYTES || header >= length) return undefined;
    const flags = bytes[transport + TCP_FLAGS]!;
    if ((flags & ~TcpFlag.PSH) !== TcpFlag.ACK) return undefined;
    if (readUint16(bytes, transport + TCP_URGENT) !== 0) return undefined;
    if ((bytes[transport + TCP_DATA_OFFSET]! & LOW_NIBBLE) !== 0) return undefined;
    pushed = (flags & TcpFlag.PSH) !== 0;
  } else {
    if (protocol !== IP_PROTOCOL_UDP || !udp || header >= length) return undefined;
    if (readUint16(bytes, transport + UDP_LENGTH) !== length - start) return undefined;
    if (readUint16(bytes, transport + UDP_CHECKSUM) === 0) return undefined;
  }
  const pseudo = pseudoHeaderSum(bytes, packet, protocol, length - start);
  if (checksum(bytes, transport, length - start, pseudo) !== 0) return undefined;
  return { version, protocol, start, header, payload: length - header, pushed };
}

/**
 * Whether the packet may belong to the flow of the packet at `at`, of which `part` is known: by
 * addresses, protocol, and ports where it has them.
 */
export function isSameFlow(
  bytes: Uint8Array,
  part: Part,
  at: number,
  packet: number,
  length: number,
): boolean {
  const { version, protocol, start } = part;
  if (ipVersion(bytes, packet) !== version) return false;
  const addresses = version === IPV4 ? IPV4_SOURCE : IPV6_SOURCE;
  const addressesEnd = version === IPV4 ? MIN_IPV4_BYTES : MIN_IPV6_BYTES;
  if (!isSame(bytes, packet, at, addresses, addressesEnd)) return false;
  const next = version === IPV4 ? ipv4Protocol(bytes, packet) : ipv6NextHeader(bytes, packet);
  const plain =
    version === IPV4
      ? ipv4HeaderBytes(bytes, packet) === start && !isIpv4Fragment(bytes, packet)
      : next === IP_PROTOCOL_TCP || next === IP_PROTOCOL_UDP;
  if ((version === IPV4 || plain) && next !== protocol) return false;
  if (!plain || length < start + PORTS_BYTES) return true;
  return isSame(bytes, packet, at, start, start + PORTS_BYTES);
}

/** Whether two packets have the same bytes from `from` to `to` (exclusive). */
export function isSame(bytes: Uint8Array, a: number, b: number, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}
