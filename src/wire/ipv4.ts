/**
 * The IPv4 header.
 *
 * ```
 *  0               1               2               3
 * +-------+-------+---------------+-------------------------------+
 * |version| words | class         | total length                  |  0
 * +-------+-------+---------------+-----+-------------------------+
 * | identification                |flags| fragment offset         |  4
 * +---------------+---------------+-----+-------------------------+
 * | time to live  | protocol      | header checksum               |  8
 * +---------------+---------------+-------------------------------+
 * | source address                                                | 12
 * +---------------------------------------------------------------+
 * | destination address                                           | 16
 * +---------------------------------------------------------------+
 * ```
 *
 * Call {@link checkIpv4} first; the accessors do not check again. Writing to the packet, or giving
 * another offset, makes that check void.
 *
 * Source: RFC 791, section 3.1.
 */

import { MIN_IPV4_BYTES } from '../limits.ts';
import { checksum } from './checksum.ts';
import { readUint16, writeUint16 } from './uint16.ts';

const TOTAL_LENGTH = 2;
const IDENTIFICATION = 4;
const FLAGS = 6;
const TIME_TO_LIVE = 8;
const PROTOCOL = 9;
const HEADER_CHECKSUM = 10;
/** Offset of the source address. */
export const IPV4_SOURCE = 12;
/** Offset of the destination address. */
export const IPV4_DESTINATION = 16;

const VERSION = 4;
const VERSION_SHIFT = 4;
const WORDS_MASK = 0x0f;
const WORD_SHIFT = 2;
/** "More fragments" and the fragment offset; "don't fragment" is not in it. */
const FRAGMENT_MASK = 0x3fff;
const DONT_FRAGMENT = 0x4000;
/** Version 4, five words: a header without options. */
const FIRST_BYTE = 0x45;

/** What a header is written from. Addresses have 4 bytes. */
export interface Ipv4Fields {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** Number of the protocol behind the header. */
  readonly protocol: number;
  /** Bytes behind the header. */
  readonly payloadBytes: number;
  readonly timeToLive: number;
  readonly identification?: number;
}

/**
 * Whether the `length` bytes at `offset` begin with a whole IPv4 header whose total length they
 * hold. Bytes behind the total length are allowed.
 */
export function checkIpv4(bytes: Uint8Array, offset: number, length: number): boolean {
  if (length < MIN_IPV4_BYTES || offset + length > bytes.byteLength) return false;
  if (bytes[offset]! >>> VERSION_SHIFT !== VERSION) return false;
  const header = ipv4HeaderBytes(bytes, offset);
  const total = ipv4TotalLength(bytes, offset);
  return header >= MIN_IPV4_BYTES && total >= header && total <= length;
}

/** Bytes of the header, options included. */
export function ipv4HeaderBytes(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! & WORDS_MASK) << WORD_SHIFT;
}

/** Bytes of the packet, header included. */
export function ipv4TotalLength(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + TOTAL_LENGTH);
}

export function ipv4Identification(bytes: Uint8Array, offset: number): number {
  return readUint16(bytes, offset + IDENTIFICATION);
}

/** Whether this is a fragment: not the whole of what was sent. */
export function isIpv4Fragment(bytes: Uint8Array, offset: number): boolean {
  return (readUint16(bytes, offset + FLAGS) & FRAGMENT_MASK) !== 0;
}

export function ipv4TimeToLive(bytes: Uint8Array, offset: number): number {
  return bytes[offset + TIME_TO_LIVE]!;
}

/** Number of the protocol behind the header: `IP_PROTOCOL_*` of ip.ts. */
export function ipv4Protocol(bytes: Uint8Array, offset: number): number {
  return bytes[offset + PROTOCOL]!;
}

/** Whether the header's checksum is right. */
export function isIpv4ChecksumRight(bytes: Uint8Array, offset: number): boolean {
  return checksum(bytes, offset, ipv4HeaderBytes(bytes, offset)) === 0;
}

/** Sets the time to live and the checksum that goes with it. */
export function setIpv4TimeToLive(bytes: Uint8Array, offset: number, timeToLive: number): void {
  bytes[offset + TIME_TO_LIVE] = timeToLive;
  updateIpv4Checksum(bytes, offset);
}

/** Computes the header's checksum anew, options included. */
export function updateIpv4Checksum(bytes: Uint8Array, offset: number): void {
  writeUint16(bytes, offset + HEADER_CHECKSUM, 0);
  const sum = checksum(bytes, offset, ipv4HeaderBytes(bytes, offset));
  writeUint16(bytes, offset + HEADER_CHECKSUM, sum);
}

/**
 * Writes a header without options, its checksum included, "don't fragment" set. Returns the offset
 * of the payload. The caller has checked the room.
 */
export function writeIpv4Header(bytes: Uint8Array, offset: number, fields: Ipv4Fields): number {
  bytes.fill(0, offset, offset + MIN_IPV4_BYTES);
  bytes[offset] = FIRST_BYTE;
  writeUint16(bytes, offset + TOTAL_LENGTH, MIN_IPV4_BYTES + fields.payloadBytes);
  writeUint16(bytes, offset + IDENTIFICATION, fields.identification ?? 0);
  writeUint16(bytes, offset + FLAGS, DONT_FRAGMENT);
  bytes[offset + PROTOCOL] = fields.protocol;
  bytes.set(fields.source, offset + IPV4_SOURCE);
  bytes.set(fields.destination, offset + IPV4_DESTINATION);
  setIpv4TimeToLive(bytes, offset, fields.timeToLive);
  return offset + MIN_IPV4_BYTES;
}
