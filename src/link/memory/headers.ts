/**
 * IP headers as the in-memory host sees them: a packet that was received is examined once and
 * described by offsets; a header to send is written whole. The formats are those of `wire/`.
 */

import {
  IPV4_ADDRESS_BYTES,
  IPV6_ADDRESS_BYTES,
  MIN_IPV4_BYTES,
  MIN_IPV6_BYTES,
} from '../../limits.ts';
import { swapAddresses } from '../../wire/ip.ts';
import {
  checkIpv4,
  IPV4_DESTINATION,
  IPV4_SOURCE,
  ipv4HeaderBytes,
  ipv4Protocol,
  ipv4TotalLength,
  isIpv4ChecksumRight,
  isIpv4Fragment,
  setIpv4TimeToLive,
  writeIpv4Header,
} from '../../wire/ipv4.ts';
import {
  checkIpv6,
  IPV6_DESTINATION,
  IPV6_SOURCE,
  ipv6NextHeader,
  ipv6PayloadLength,
  isIpv6Fragment,
  setIpv6HopLimit,
  writeIpv6Header,
} from '../../wire/ipv6.ts';

/** What new packets start with (RFC 1700, "IP time to live"). */
const HOP_LIMIT = 64;

/** 224.0.0.0/4; ff00::/8 starts with a byte of ones. */
const IPV4_MULTICAST_NIBBLE = 0xe;
const NIBBLE_SHIFT = 4;
const ALL_ONES = 0xff;

/** Offset of the destination address of the packet at `offset`. */
export function destinationOffset(offset: number, family: 4 | 6): number {
  return offset + (family === 4 ? IPV4_DESTINATION : IPV6_DESTINATION);
}

/** Bytes of a header without options of the family whose addresses have `addressBytes` bytes. */
export function ipHeaderBytes(addressBytes: number): number {
  return addressBytes === IPV4_ADDRESS_BYTES ? MIN_IPV4_BYTES : MIN_IPV6_BYTES;
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
  if (source.length === IPV4_ADDRESS_BYTES) {
    const fields = { source, destination, protocol, payloadBytes, timeToLive: HOP_LIMIT };
    return writeIpv4Header(bytes, offset, fields);
  }
  const fields = { source, destination, nextHeader: protocol, payloadBytes, hopLimit: HOP_LIMIT };
  return writeIpv6Header(bytes, offset, fields);
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
    if (checkIpv4(bytes, offset, length)) return this.#describe4();
    if (checkIpv6(bytes, offset, length)) return this.#describe6();
    return 'malformed';
  }

  #describe4(): HeaderFault | undefined {
    const { bytes, offset } = this;
    if (!isIpv4ChecksumRight(bytes, offset)) return 'badChecksum';
    if (isIpv4Fragment(bytes, offset)) return 'fragments';
    const header = ipv4HeaderBytes(bytes, offset);
    this.family = 4;
    this.length = ipv4TotalLength(bytes, offset);
    this.protocol = ipv4Protocol(bytes, offset);
    this.source = offset + IPV4_SOURCE;
    this.destination = offset + IPV4_DESTINATION;
    this.addressBytes = IPV4_ADDRESS_BYTES;
    this.payload = offset + header;
    this.payloadBytes = this.length - header;
    return undefined;
  }

  #describe6(): HeaderFault | undefined {
    const { bytes, offset } = this;
    if (isIpv6Fragment(bytes, offset)) return 'fragments';
    this.family = 6;
    this.payloadBytes = ipv6PayloadLength(bytes, offset);
    this.length = MIN_IPV6_BYTES + this.payloadBytes;
    this.protocol = ipv6NextHeader(bytes, offset);
    this.source = offset + IPV6_SOURCE;
    this.destination = offset + IPV6_DESTINATION;
    this.addressBytes = IPV6_ADDRESS_BYTES;
    this.payload = offset + MIN_IPV6_BYTES;
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
    if (this.family === 6) setIpv6HopLimit(bytes, offset, HOP_LIMIT);
    else setIpv4TimeToLive(bytes, offset, HOP_LIMIT);
  }
}
