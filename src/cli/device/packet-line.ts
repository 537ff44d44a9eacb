/** A packet as one line for a person. */

import { formatAddress, ipVersion } from '../../index.ts';
import { IPV4_DESTINATION, IPV4_SOURCE, ipv4HeaderBytes, ipv4Protocol } from '../../index.ts';
import { IPV6_DESTINATION, IPV6_SOURCE, ipv6NextHeader } from '../../index.ts';
import { formatCount } from '../format/quantity.ts';

/** Internet Protocol Numbers (IANA). */
const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'ICMP',
  2: 'IGMP',
  6: 'TCP',
  17: 'UDP',
  47: 'GRE',
  50: 'ESP',
  58: 'ICMPv6',
  132: 'SCTP',
};
const WITH_PORTS = ['TCP', 'UDP', 'SCTP'];
const IPV4_VERSION = 4;
/** Bytes of an IPv6 header (RFC 8200, section 3), and of the two ports behind either. */
const IPV6_HEADER_BYTES = 40;
const PORT_BYTES = 2;
const PORTS_BYTES = 4;
/** Bits of the fragment offset in its field of the IPv4 header (RFC 791, section 3.1). */
const IPV4_FRAGMENT = 6;
const FRAGMENT_OFFSET_MASK = 0x1fff;

/** `10.7.0.2 > 10.7.0.1  ICMP  84 bytes`. A packet a bundle can carry has its whole IP header. */
export function packetLine(packet: Uint8Array): string {
  const v4 = ipVersion(packet, 0) === IPV4_VERSION;
  const family = v4 ? 4 : 6;
  const number = v4 ? ipv4Protocol(packet, 0) : ipv6NextHeader(packet, 0);
  const protocol = PROTOCOLS[number] ?? `protocol ${number}`;
  const ports = WITH_PORTS.includes(protocol) ? portsOf(packet, v4) : undefined;
  const source = formatAddress(packet, v4 ? IPV4_SOURCE : IPV6_SOURCE, family);
  const destination = formatAddress(packet, v4 ? IPV4_DESTINATION : IPV6_DESTINATION, family);
  const [from, to] = ports ?? [undefined, undefined];
  return `${endpoint(source, from, v4)} > ${endpoint(destination, to, v4)}  ${protocol}  ${formatCount(packet.length, 'byte')}`;
}

function portsOf(packet: Uint8Array, v4: boolean): [number, number] | undefined {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (v4 && (view.getUint16(IPV4_FRAGMENT) & FRAGMENT_OFFSET_MASK) !== 0) return undefined;
  const at = v4 ? ipv4HeaderBytes(packet, 0) : IPV6_HEADER_BYTES;
  if (at + PORTS_BYTES > packet.length) return undefined;
  return [view.getUint16(at), view.getUint16(at + PORT_BYTES)];
}

function endpoint(address: string, port: number | undefined, v4: boolean): string {
  if (port === undefined) return address;
  return v4 ? `${address}:${port}` : `[${address}]:${port}`;
}
