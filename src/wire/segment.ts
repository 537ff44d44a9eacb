/**
 * Segmentation offload, undone, in plain TypeScript: one packet with its virtio-net header becomes
 * the packets that it stands for, as entries of a bundle. The twin of `kernels/assembly/split.ts`
 * for hosts without SIMD, and its oracle.
 *
 * Every segment carries the headers of the whole, with these changes: IPv4 total length,
 * identification (counting up) and checksum, or IPv6 payload length; TCP sequence number; CWR on the
 * first alone, FIN and PSH on the last alone; UDP length; a complete transport checksum.
 *
 * Source: virtio specification 1.2, section 5.1.6.2; for what becomes of each field, what Linux does
 * when it segments by itself (test/kernel/segmentation.test.ts compares).
 */

import {
  ENTRY_HEADER_BYTES,
  entryBytes,
  MAX_PACKET_BYTES,
  MIN_IPV4_BYTES,
  MIN_IPV6_BYTES,
} from '../limits.ts';
import { writeEntryHeader, writeEntryTail } from './bundle.ts';
import { checksum } from './checksum.ts';
import { IP_PROTOCOL_TCP, IP_PROTOCOL_UDP, ipVersion } from './ip.ts';
import { ipv4HeaderBytes, ipv4Protocol, updateIpv4Checksum } from './ipv4.ts';
import {
  MIN_TCP_BYTES,
  TCP_CHECKSUM,
  TCP_FLAGS,
  TCP_SEQUENCE,
  TcpFlag,
  tcpHeaderBytes,
  UDP_CHECKSUM,
  UDP_HEADER_BYTES,
  UDP_LENGTH,
} from './transport.ts';
import { readUint16, writeUint16 } from './uint16.ts';
import {
  readVnetHeader,
  VNET_GSO_ECN,
  VNET_NEEDS_CHECKSUM,
  VnetGso,
  type VnetHeader,
} from './virtio-net.ts';

/** What {@link split} wrote. */
export interface SplitResult {
  /** Bytes of the entries. */
  bytes: number;
  /** Bytes of the packets in them. */
  octets: number;
  /** Packets that the super-packet stands for, written or not. */
  total: number;
}

/** {@link split} returns this for a packet that cannot be what its virtio-net header says. */
export const SPLIT_REFUSED = -1;

const IPV4_TOTAL_LENGTH = 2;
const IPV4_IDENTIFICATION = 4;
const IPV6_PAYLOAD_LENGTH = 4;
const CHECKSUM_BYTES = 2;
const ALL_ONES = 0xffff;
const IPV4 = 4;
const IPV6 = 6;

/** How a super-packet is cut. */
interface Cut {
  readonly version: number;
  readonly tcp: boolean;
  /** Where the transport header begins, and where the payload does. */
  readonly start: number;
  readonly header: number;
  /** Payload bytes of every segment but the last. */
  readonly size: number;
}

/**
 * Writes entries at `target` for the packet of `length` bytes at `packet`, behind its virtio-net
 * header: those from number `skip` on, at most `most`, as many as fit into `room` bytes. Source and
 * target do not overlap. Returns how many were written, or {@link SPLIT_REFUSED}.
 */
export function split(
  bytes: Uint8Array,
  packet: number,
  length: number,
  target: number,
  room: number,
  most: number,
  skip: number,
  result: SplitResult,
): number {
  result.bytes = 0;
  result.octets = 0;
  result.total = 0;
  const header = readVnetHeader(bytes, packet);
  const needsChecksum = (header.flags & VNET_NEEDS_CHECKSUM) !== 0;
  const field = header.checksumStart + header.checksumOffset;
  if (needsChecksum && field + CHECKSUM_BYTES > length) return SPLIT_REFUSED;
  const whole = (header.gsoType & ~VNET_GSO_ECN) === VnetGso.NONE;
  const cut = whole ? undefined : cutOf(bytes, packet, length, header);
  if (!whole && cut === undefined) return SPLIT_REFUSED;
  const payload = cut === undefined ? 0 : length - cut.header;
  result.total = cut === undefined ? 1 : Math.ceil(payload / cut.size);
  let written = 0;
  for (let i = skip; i < result.total && written < most; i++) {
    const done = i * (cut?.size ?? 0);
    const size = cut === undefined ? length : cut.header + Math.min(cut.size, payload - done);
    if (result.bytes + entryBytes(size) > room) break;
    const entry = target + result.bytes;
    const copy = entry + ENTRY_HEADER_BYTES;
    if (cut === undefined) {
      bytes.copyWithin(copy, packet, packet + length);
      if (needsChecksum) complete(bytes, copy, length, header.checksumStart, field);
    } else {
      const from = packet + cut.header + done;
      bytes.copyWithin(copy, packet, packet + cut.header);
      bytes.copyWithin(copy + cut.header, from, from + size - cut.header);
      amend(bytes, copy, size, length, cut, i, i === result.total - 1);
    }
    writeEntryHeader(bytes, entry, size);
    writeEntryTail(bytes, entry, size);
    result.bytes += entryBytes(size);
    result.octets += size;
    written++;
  }
  return written;
}

/** How the packet is to be cut; undefined when its headers contradict each other. */
function cutOf(
  bytes: Uint8Array,
  packet: number,
  length: number,
  vnet: VnetHeader,
): Cut | undefined {
  const type = vnet.gsoType & ~VNET_GSO_ECN;
  const version = ipVersion(bytes, packet);
  const tcp = type === VnetGso.TCPV4 || type === VnetGso.TCPV6;
  const start = vnet.checksumStart;
  if ((vnet.flags & VNET_NEEDS_CHECKSUM) === 0 || (!tcp && type !== VnetGso.UDP_L4))
    return undefined;
  if (type === VnetGso.TCPV4 && version !== IPV4) return undefined;
  if (type === VnetGso.TCPV6 && version !== IPV6) return undefined;
  if (version === IPV4) {
    if (length < MIN_IPV4_BYTES || start < MIN_IPV4_BYTES) return undefined;
    if (start !== ipv4HeaderBytes(bytes, packet)) return undefined;
    if (ipv4Protocol(bytes, packet) !== (tcp ? IP_PROTOCOL_TCP : IP_PROTOCOL_UDP)) return undefined;
  } else if (version !== IPV6 || start < MIN_IPV6_BYTES) return undefined;
  const least = tcp ? MIN_TCP_BYTES : UDP_HEADER_BYTES;
  if (vnet.checksumOffset !== (tcp ? TCP_CHECKSUM : UDP_CHECKSUM)) return undefined;
  if (start + least > length) return undefined;
  // The hint in the virtio-net header is often wrong.
  const transport = tcp ? tcpHeaderBytes(bytes, packet + start) : UDP_HEADER_BYTES;
  if (transport < least || start + transport >= length || vnet.gsoSize === 0) return undefined;
  const size = vnet.gsoSize;
  const header = start + transport;
  if (header + Math.min(size, length - header) > MAX_PACKET_BYTES) return undefined;
  return { version, tcp, start, header, size };
}

/** Puts the checksum at `field` that the host has left to us. */
function complete(
  bytes: Uint8Array,
  packet: number,
  length: number,
  start: number,
  field: number,
): void {
  const value = checksum(bytes, packet + start, length - start);
  writeUint16(bytes, packet + field, value === 0 ? ALL_ONES : value);
}

/** Makes a copy of the whole's headers those of segment `number`, `size` bytes long in all. */
function amend(
  bytes: Uint8Array,
  packet: number,
  size: number,
  wholeSize: number,
  cut: Cut,
  number: number,
  last: boolean,
): void {
  if (cut.version === IPV4) {
    const identification = readUint16(bytes, packet + IPV4_IDENTIFICATION);
    writeUint16(bytes, packet + IPV4_TOTAL_LENGTH, size);
    writeUint16(bytes, packet + IPV4_IDENTIFICATION, identification + number);
    updateIpv4Checksum(bytes, packet);
  } else {
    writeUint16(bytes, packet + IPV6_PAYLOAD_LENGTH, size - MIN_IPV6_BYTES);
  }
  const transport = packet + cut.start;
  const field = transport + (cut.tcp ? TCP_CHECKSUM : UDP_CHECKSUM);
  // The field holds the sum over the pseudo header; of that only the length changes. Its addresses
  // need not be those of the IP header: a routing header may name others.
  const carried = size - cut.start;
  const pseudo = readUint16(bytes, field) + (ALL_ONES - (wholeSize - cut.start)) + carried;
  if (cut.tcp) {
    const at = transport + TCP_SEQUENCE;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setUint32(at, view.getUint32(at) + number * cut.size);
    let flags = bytes[transport + TCP_FLAGS]!;
    if (number > 0) flags &= ~TcpFlag.CWR;
    if (!last) flags &= ~(TcpFlag.FIN | TcpFlag.PSH);
    bytes[transport + TCP_FLAGS] = flags;
  } else {
    writeUint16(bytes, transport + UDP_LENGTH, carried);
  }
  writeUint16(bytes, field, 0);
  const value = checksum(bytes, transport, carried, pseudo);
  writeUint16(bytes, field, !cut.tcp && value === 0 ? ALL_ONES : value);
}
