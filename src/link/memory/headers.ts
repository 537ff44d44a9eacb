/**
 * Reading and writing IP headers as the in-memory host does: a packet that was received is examined
 * once and described by offsets; a header to send is written whole.
 *
 * ```
 *  IPv4 (RFC 791, 3.1)                       IPv6 (RFC 8200, 3)
 *   0 version, header length  8 TTL           0 version, class, flow  8  source
 *   2 total length            9 protocol      4 payload length        24 destination
 *   4 identification         10 checksum      6 next header
 *   6 flags, fragment        12 source        7 hop limit
 *                            16 destination
 * ```
 */

import {
  IPV4_ADDRESS_BYTES,
  IPV6_ADDRESS_BYTES,
  MIN_IPV4_BYTES,
  MIN_IPV6_BYTES,
} from '../../limits.ts';
import { checksum } from '../../wire/checksum.ts';
import { ipVersion, swapAddresses } from '../../wire/ip.ts';

const IPV4_TOTAL_LENGTH = 2;
const IPV4_FLAGS = 6;
const IPV4_TTL = 8;
const IPV4_PROTOCOL = 9;
const IPV4_CHECKSUM = 10;
const IPV4_SOURCE = 12;
const IPV4_DESTINATION = 16;
const IPV6_PAYLOAD_LENGTH = 4;
const IPV6_NEXT_HEADER = 6;
const IPV6_HOP_LIMIT = 7;
const IPV6_SOURCE = 8;
const IPV6_DESTINATION = 24;

/** Version 4 with a header of five words; version 6. */
const IPV4_FIRST_BYTE = 0x45;
const IPV6_FIRST_BYTE = 0x60;
const HEADER_WORDS_MASK = 0x0f;
const HEADER_WORD_SHIFT = 2;
/** More fragments, and the fragment offset (RFC 791). "Don't fragment" is not in it. */
const IPV4_FRAGMENT_MASK = 0x3fff;
/** "Don't fragment": this host never does. */
const IPV4_DONT_FRAGMENT = 0x4000;
/** Next header number of an IPv6 fragment header (RFC 8200, section 4.5). */
const IPV6_FRAGMENT_HEADER = 44;
/** What new packets start with (RFC 1700, "IP time to live"). */
const HOP_LIMIT = 64;

/** 224.0.0.0/4; ff00::/8 starts with a byte of ones. */
const IPV4_MULTICAST_NIBBLE = 0xe;
const NIBBLE_SHIFT = 4;
const ALL_ONES = 0xff;

const BITS_PER_BYTE = 8;

/** Offset of the destination address of the packet at `offset`. */
export function destinationOffset(offset: number, family: 4 | 6): number {
  return offset + (family === 4 ? IPV4_DESTINATION : IPV6_DESTINATION);
}

/** Bytes of a header without options of the family whose addresses have `addressBytes` bytes. */
export function ipHeaderBytes(addressBytes: number): number {
  return addressBytes === IPV4_ADDRESS_BYTES ? MIN_IPV4_BYTES : MIN_IPV6_BYTES;
}

export function readUint16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << BITS_PER_BYTE) | bytes[offset + 1]!;
}

export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> BITS_PER_BYTE;
  bytes[offset + 1] = value;
}

/**
 * Writes the IP header of a packet with `payloadBytes` behind it, and returns the offset of the
 * payload. The caller has checked the room.
 */
export function writeIpHeader(
  bytes: Uint8Array,
  offset: number,
  protocol: number,
  payloadBytes: number,
  source: Uint8Array,
  destination: Uint8Array,
): number {
  const header = ipHeaderBytes(source.length);
  bytes.fill(0, offset, offset + header);
  if (header === MIN_IPV4_BYTES) {
    bytes[offset] = IPV4_FIRST_BYTE;
    writeUint16(bytes, offset + IPV4_TOTAL_LENGTH, header + payloadBytes);
    writeUint16(bytes, offset + IPV4_FLAGS, IPV4_DONT_FRAGMENT);
    bytes[offset + IPV4_TTL] = HOP_LIMIT;
    bytes[offset + IPV4_PROTOCOL] = protocol;
    bytes.set(source, offset + IPV4_SOURCE);
    bytes.set(destination, offset + IPV4_DESTINATION);
    writeUint16(bytes, offset + IPV4_CHECKSUM, checksum(bytes, offset, header));
  } else {
    bytes[offset] = IPV6_FIRST_BYTE;
    writeUint16(bytes, offset + IPV6_PAYLOAD_LENGTH, payloadBytes);
    bytes[offset + IPV6_NEXT_HEADER] = protocol;
    bytes[offset + IPV6_HOP_LIMIT] = HOP_LIMIT;
    bytes.set(source, offset + IPV6_SOURCE);
    bytes.set(destination, offset + IPV6_DESTINATION);
  }
  return offset + header;
}

/** Why a packet is dropped before anybody looks at its contents: a counter of the host. */
export type HeaderFault = 'malformed' | 'badChecksum' | 'fragments';

/** The packet under examination. Reused for each; offsets are into {@link bytes}. */
export class ReceivedPacket {
  bytes: Uint8Array = new Uint8Array(0);
  /** First byte of the IP header. */
  offset = 0;
  /** Bytes from there on that the IP header speaks for. */
  length = 0;
  family: 4 | 6 = 4;
  protocol = 0;
  source = 0;
  destination = 0;
  addressBytes = 0;
  payload = 0;
  payloadBytes = 0;

  /**
   * Describes the packet of `length` bytes at `offset`; returns what is wrong with it, or undefined.
   * Bytes behind the length that the IP header states are ignored, as any host does.
   */
  parse(bytes: Uint8Array, offset: number, length: number): HeaderFault | undefined {
    this.bytes = bytes;
    this.offset = offset;
    const version = ipVersion(bytes, offset);
    if (version === 4 && length >= MIN_IPV4_BYTES) return this.#parse4(length);
    if (version === 6 && length >= MIN_IPV6_BYTES) return this.#parse6(length);
    return 'malformed';
  }

  #parse4(length: number): HeaderFault | undefined {
    const { bytes, offset } = this;
    const header = (bytes[offset]! & HEADER_WORDS_MASK) << HEADER_WORD_SHIFT;
    const total = readUint16(bytes, offset + IPV4_TOTAL_LENGTH);
    if (header < MIN_IPV4_BYTES || total < header || total > length) return 'malformed';
    if (checksum(bytes, offset, header) !== 0) return 'badChecksum';
    if ((readUint16(bytes, offset + IPV4_FLAGS) & IPV4_FRAGMENT_MASK) !== 0) return 'fragments';
    this.family = 4;
    this.length = total;
    this.protocol = bytes[offset + IPV4_PROTOCOL]!;
    this.source = offset + IPV4_SOURCE;
    this.destination = offset + IPV4_DESTINATION;
    this.addressBytes = IPV4_ADDRESS_BYTES;
    this.payload = offset + header;
    this.payloadBytes = total - header;
    return undefined;
  }

  #parse6(length: number): HeaderFault | undefined {
    const { bytes, offset } = this;
    const payloadBytes = readUint16(bytes, offset + IPV6_PAYLOAD_LENGTH);
    if (MIN_IPV6_BYTES + payloadBytes > length) return 'malformed';
    const next = bytes[offset + IPV6_NEXT_HEADER]!;
    if (next === IPV6_FRAGMENT_HEADER) return 'fragments';
    this.family = 6;
    this.length = MIN_IPV6_BYTES + payloadBytes;
    this.protocol = next;
    this.source = offset + IPV6_SOURCE;
    this.destination = offset + IPV6_DESTINATION;
    this.addressBytes = IPV6_ADDRESS_BYTES;
    this.payload = offset + MIN_IPV6_BYTES;
    this.payloadBytes = payloadBytes;
    return undefined;
  }

  /** Whether the source can be answered: not unspecified, multicast or broadcast (RFC 1122, 3.2.1.3). */
  get hasUnicastSource(): boolean {
    const first = this.bytes[this.source]!;
    const multicast =
      this.family === 4 ? first >>> NIBBLE_SHIFT === IPV4_MULTICAST_NIBBLE : first === ALL_ONES;
    return !multicast && !this.#sourceIs(0) && !(this.family === 4 && this.#sourceIs(ALL_ONES));
  }

  #sourceIs(everyByte: number): boolean {
    for (let i = 0; i < this.addressBytes; i++) {
      if (this.bytes[this.source + i] !== everyByte) return false;
    }
    return true;
  }

  /** A copy of the address at `offset`, which is {@link source} or {@link destination}. */
  copyAddress(offset: number): Uint8Array {
    return this.bytes.slice(offset, offset + this.addressBytes);
  }

  /**
   * Turns the packet round in place: source and destination exchanged, a fresh hop limit. Checksums
   * of what it carries stay valid.
   */
  turnRound(): void {
    const { bytes, offset } = this;
    swapAddresses(bytes, offset);
    if (this.family === 6) {
      bytes[offset + IPV6_HOP_LIMIT] = HOP_LIMIT;
      return;
    }
    bytes[offset + IPV4_TTL] = HOP_LIMIT;
    writeUint16(bytes, offset + IPV4_CHECKSUM, 0);
    writeUint16(bytes, offset + IPV4_CHECKSUM, checksum(bytes, offset, this.payload - offset));
  }
}
