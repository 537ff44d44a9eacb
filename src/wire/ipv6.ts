/**
 * The IPv6 header.
 *
 * ```
 *  0               1               2               3
 * +-------+---------------+---------------------------------------+
 * |version| class         | flow label                            |  0
 * +-------+---------------+-------+---------------+---------------+
 * | payload length                | next header   | hop limit     |  4
 * +-------------------------------+---------------+---------------+
 * | source address, 16 bytes                                      |  8
 * +---------------------------------------------------------------+
 * | destination address, 16 bytes                                 | 24
 * +---------------------------------------------------------------+
 * ```
 *
 * Call {@link checkIpv6} first; the accessors do not check again. Writing to the packet, or giving
 * another offset, makes that check void.
 *
 * Source: RFC 8200, section 3.
 */

import { MIN_IPV6_BYTES } from '../limits.ts';
import { readUint16, writeUint16 } from './uint16.ts';

const PAYLOAD_LENGTH = 4;
const NEXT_HEADER = 6;
const HOP_LIMIT = 7;
/** Offset of the source address. */
export const IPV6_SOURCE = 8;
/** Offset of the destination address. */
export const IPV6_DESTINATION = 24;

const VERSION = 6;
const VERSION_SHIFT = 4;
/** Version 6, class and flow label 0. */
const FIRST_BYTE = 0x60;
/** Next header number of a fragment header (RFC 8200, section 4.5). */
const FRAGMENT_HEADER = 44;

/** What a header is written from. Addresses have 16 bytes. */
export interface Ipv6Fields {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** Number of the header or protocol behind this one. */
  readonly nextHeader: number;
  /** Bytes behind the header. */
  readonly payloadBytes: number;
  readonly hopLimit: number;
}

/**
 * Whether the `length` bytes at `offset` begin with a whole IPv6 header whose payload they hold.
 * Bytes behind the payload are allowed.
 */
export function checkIpv6(bytes: Uint8Array, offset: number, length: number): boolean {
  if (length < MIN_IPV6_BYTES || offset + length > bytes.byteLength) return false;
  if (bytes[offset]! >>> VERSION_SHIFT !== VERSION) return false;
  return MIN_IPV6_BYTES + ipv6PayloadLength(bytes, offset) <= length;
}

/** Bytes behind the header, extension headers included. */
export function ipv6PayloadLength(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + PAYLOAD_LENGTH);
}

/** Number of the header behind this one: a protocol (`IP_PROTOCOL_*`) or an extension header. */
export function ipv6NextHeader(bytes: Uint8Array, offset: number): number {
  return bytes[offset + NEXT_HEADER]!;
}

/** Whether a fragment header comes next. One behind other extension headers is not seen. */
export function isIpv6Fragment(bytes: Uint8Array, offset: number): boolean {
  return ipv6NextHeader(bytes, offset) === FRAGMENT_HEADER;
}

export function ipv6HopLimit(bytes: Uint8Array, offset: number): number {
  return bytes[offset + HOP_LIMIT]!;
}

export function setIpv6HopLimit(bytes: Uint8Array, offset: number, hopLimit: number): void {
  bytes[offset + HOP_LIMIT] = hopLimit;
}

/** Writes a header and returns the offset of the payload. The caller has checked the room. */
export function writeIpv6Header(bytes: Uint8Array, offset: number, fields: Ipv6Fields): number {
  bytes.fill(0, offset, offset + MIN_IPV6_BYTES);
  bytes[offset] = FIRST_BYTE;
  writeUint16(bytes, offset + PAYLOAD_LENGTH, fields.payloadBytes);
  bytes[offset + NEXT_HEADER] = fields.nextHeader;
  bytes[offset + HOP_LIMIT] = fields.hopLimit;
  bytes.set(fields.source, offset + IPV6_SOURCE);
  bytes.set(fields.destination, offset + IPV6_DESTINATION);
  return offset + MIN_IPV6_BYTES;
}
