/**
 * What a packet says of the flow it belongs to: protocol, addresses, ports, and whether it is a
 * fragment, past IPv4 options and IPv6 extension headers.
 *
 * Source: RFC 791, section 3.1; RFC 8200, section 4; RFC 4302 (the length of an authentication header).
 */

import {
  IPV4_ADDRESS_BYTES,
  IPV6_ADDRESS_BYTES,
  MIN_IPV4_BYTES,
  MIN_IPV6_BYTES,
} from '../limits.ts';
import { IP_PROTOCOL_ICMP, IP_PROTOCOL_ICMPV6, IP_PROTOCOL_TCP, IP_PROTOCOL_UDP } from './ip.ts';
import {
  IPV4_DESTINATION,
  IPV4_SOURCE,
  ipv4HeaderBytes,
  ipv4Identification,
  ipv4Protocol,
  ipv4TotalLength,
} from './ipv4.ts';
import { IPV6_DESTINATION, IPV6_SOURCE, ipv6NextHeader, ipv6PayloadLength } from './ipv6.ts';
import { MIN_TCP_BYTES, UDP_HEADER_BYTES } from './transport.ts';
import { readUint16 } from './uint16.ts';

/** What kind of packet it is, as far as its flow goes. */
export const FlowPart = {
  /** Cut short, or no IP packet: nothing else is known of it. */
  MALFORMED: 0,
  /** A whole packet. */
  WHOLE: 1,
  /** The first fragment: it has the ports. */
  FIRST_FRAGMENT: 2,
  /** A later fragment: it has no ports; what tells its first is {@link FlowFields.identification}. */
  LATER_FRAGMENT: 3,
} as const;
export type FlowPart = (typeof FlowPart)[keyof typeof FlowPart];

/** IPv6 extension headers that may stand before the transport header (IANA). */
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;

const FRAGMENT_HEADER_BYTES = 8;
const FRAGMENT_FIELD = 2;
const FRAGMENT_IDENTIFICATION = 4;
/** Lengths of extension headers count 8 bytes, the first not counted; that of AH 4, the first two not. */
const EXTENSION_UNIT = 8;
const AUTHENTICATION_UNIT = 4;
const AUTHENTICATION_EXTRA = 2;
/** More of them than any sender has reason for, and a bound on the walk. */
const MAX_EXTENSION_HEADERS = 16;

/** Offset of flags and fragment offset in IPv4. */
const IPV4_FRAGMENT_FIELD = 6;
/** "More fragments": bit 13 of IPv4's field, bit 0 of IPv6's. */
const IPV4_MORE = 0x2000;
const IPV4_OFFSET_MASK = 0x1fff;
const IPV6_MORE = 1;
const IPV6_OFFSET_MASK = 0xfff8;

const VERSION_SHIFT = 4;
const UINT16_BITS = 16;
const PORT_BYTES = 2;
const PORTS_BYTES = 4;

/** Echo messages, whose identifier takes the place of both ports (RFC 792; RFC 4443, section 4). */
const ICMP_BYTES = 8;
const ICMP_ECHO_REPLY = 0;
const ICMP_ECHO_REQUEST = 8;
const ICMPV6_ECHO_REQUEST = 128;
const ICMPV6_ECHO_REPLY = 129;
const ICMP_IDENTIFIER = 4;
/** ICMPv6 types below this are errors. */
const ICMPV6_FIRST_INFORMATION = 128;
/** ICMP errors: unreachable, source quench, redirect, time exceeded, parameter problem. */
const ICMP_ERRORS: readonly number[] = [3, 4, 5, 11, 12];

/** Filled by {@link readFlow}; the caller owns and reuses it. Offsets count in the array that was read. */
export class FlowFields {
  version: 4 | 6 = 4;
  /** Number of the transport protocol. */
  protocol = 0;
  /** Offsets of the addresses, and the bytes of each. */
  source = 0;
  destination = 0;
  addressBytes = 0;
  /** Ports of TCP and UDP; the identifier of an ICMP echo in both places; else 0. */
  sourcePort = 0;
  destinationPort = 0;
  /** Offset of the transport header; of a later fragment, of what it carries. */
  transport = 0;
  /** Offset behind the packet's last byte. */
  end = 0;
  /** Of a fragment: what its datagram's fragments have in common. */
  identification = 0;
  /** Offset of the packet that an ICMP error tells about; 0 when this is none. */
  inner = 0;
}

/**
 * Reads the packet of `size` bytes at `offset` into `fields`. Ports of TCP and UDP are only read from a
 * packet that holds their whole header, with `quoted` also from the first 8 bytes, which is all that an
 * ICMP error need quote; such a packet may end anywhere behind that.
 */
export function readFlow(
  bytes: Uint8Array,
  offset: number,
  size: number,
  fields: FlowFields,
  quoted = false,
): FlowPart {
  const version = size > 0 ? bytes[offset]! >>> VERSION_SHIFT : 0;
  fields.inner = 0;
  fields.sourcePort = 0;
  fields.destinationPort = 0;
  if (version === 4) return readIpv4(bytes, offset, size, fields, quoted);
  return version === 6 ? readIpv6(bytes, offset, size, fields, quoted) : FlowPart.MALFORMED;
}

function readIpv4(
  bytes: Uint8Array,
  offset: number,
  size: number,
  fields: FlowFields,
  quoted: boolean,
): FlowPart {
  if (size < MIN_IPV4_BYTES) return FlowPart.MALFORMED;
  const header = ipv4HeaderBytes(bytes, offset);
  const total = quoted ? size : ipv4TotalLength(bytes, offset);
  if (header < MIN_IPV4_BYTES || total < header || total > size) return FlowPart.MALFORMED;
  fields.version = 4;
  fields.addressBytes = IPV4_ADDRESS_BYTES;
  fields.source = offset + IPV4_SOURCE;
  fields.destination = offset + IPV4_DESTINATION;
  fields.protocol = ipv4Protocol(bytes, offset);
  fields.transport = offset + header;
  fields.end = offset + total;
  const field = readUint16(bytes, offset + IPV4_FRAGMENT_FIELD);
  const at = field & IPV4_OFFSET_MASK;
  fields.identification = ipv4Identification(bytes, offset);
  return readFragment(bytes, fields, at, (field & IPV4_MORE) !== 0, quoted);
}

function readIpv6(
  bytes: Uint8Array,
  offset: number,
  size: number,
  fields: FlowFields,
  quoted: boolean,
): FlowPart {
  if (size < MIN_IPV6_BYTES) return FlowPart.MALFORMED;
  const end = quoted ? offset + size : offset + MIN_IPV6_BYTES + ipv6PayloadLength(bytes, offset);
  if (end > offset + size) return FlowPart.MALFORMED;
  fields.version = 6;
  fields.addressBytes = IPV6_ADDRESS_BYTES;
  fields.source = offset + IPV6_SOURCE;
  fields.destination = offset + IPV6_DESTINATION;
  fields.end = end;
  let next = ipv6NextHeader(bytes, offset);
  let at = offset + MIN_IPV6_BYTES;
  let place = 0;
  let more = false;
  for (let headers = 0; isExtension(next); headers++) {
    if (headers === MAX_EXTENSION_HEADERS || at + EXTENSION_UNIT > end) return FlowPart.MALFORMED;
    const header = next;
    next = bytes[at]!;
    if (header !== FRAGMENT) {
      at += extensionBytes(header, bytes[at + 1]!);
      continue;
    }
    const field = readUint16(bytes, at + FRAGMENT_FIELD);
    place = field & IPV6_OFFSET_MASK;
    more = (field & IPV6_MORE) !== 0;
    fields.identification = readUint32(bytes, at + FRAGMENT_IDENTIFICATION);
    at += FRAGMENT_HEADER_BYTES;
    // What follows is the middle of something.
    if (place !== 0) break;
  }
  if (at > end) return FlowPart.MALFORMED;
  fields.protocol = next;
  fields.transport = at;
  return readFragment(bytes, fields, place, more, quoted);
}

function isExtension(header: number): boolean {
  return (
    header === HOP_BY_HOP ||
    header === ROUTING ||
    header === FRAGMENT ||
    header === AUTHENTICATION ||
    header === DESTINATION_OPTIONS
  );
}

function extensionBytes(header: number, length: number): number {
  return header === AUTHENTICATION
    ? (length + AUTHENTICATION_EXTRA) * AUTHENTICATION_UNIT
    : (length + 1) * EXTENSION_UNIT;
}

/** `place` is 0 for what begins at the beginning. */
function readFragment(
  bytes: Uint8Array,
  fields: FlowFields,
  place: number,
  more: boolean,
  quoted: boolean,
): FlowPart {
  if (place !== 0) return FlowPart.LATER_FRAGMENT;
  if (!readTransport(bytes, fields, more, quoted)) return FlowPart.MALFORMED;
  return more ? FlowPart.FIRST_FRAGMENT : FlowPart.WHOLE;
}

/** Ports, or what takes their place. False when the transport header is cut short. */
function readTransport(
  bytes: Uint8Array,
  fields: FlowFields,
  more: boolean,
  quoted: boolean,
): boolean {
  const { protocol, transport } = fields;
  const there = fields.end - transport;
  if (protocol === IP_PROTOCOL_TCP || protocol === IP_PROTOCOL_UDP) {
    const header = protocol === IP_PROTOCOL_TCP ? MIN_TCP_BYTES : UDP_HEADER_BYTES;
    if (there < (quoted ? PORTS_BYTES : header)) return false;
    fields.sourcePort = readUint16(bytes, transport);
    fields.destinationPort = readUint16(bytes, transport + PORT_BYTES);
    return true;
  }
  const icmp = protocol === (fields.version === 4 ? IP_PROTOCOL_ICMP : IP_PROTOCOL_ICMPV6);
  if (!icmp) return true;
  if (there < ICMP_BYTES) return false;
  const type = bytes[transport]!;
  if (isEcho(fields.version, type)) {
    fields.sourcePort = readUint16(bytes, transport + ICMP_IDENTIFIER);
    fields.destinationPort = fields.sourcePort;
  } else if (isError(fields.version, type) && !more && !quoted) {
    fields.inner = transport + ICMP_BYTES;
  }
  return true;
}

function isEcho(version: 4 | 6, type: number): boolean {
  return version === 4
    ? type === ICMP_ECHO_REQUEST || type === ICMP_ECHO_REPLY
    : type === ICMPV6_ECHO_REQUEST || type === ICMPV6_ECHO_REPLY;
}

function isError(version: 4 | 6, type: number): boolean {
  return version === 4 ? ICMP_ERRORS.includes(type) : type < ICMPV6_FIRST_INFORMATION;
}

function readUint32(bytes: Uint8Array, offset: number): number {
  const low = readUint16(bytes, offset + PORT_BYTES);
  return ((readUint16(bytes, offset) << UINT16_BITS) | low) >>> 0;
}
