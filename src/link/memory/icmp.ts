/**
 * ICMP and ICMPv6 of the in-memory host: answers echo requests, sends its own, and says "port
 * unreachable". Everything else it only counts.
 *
 * ```
 *  0       1       2               4                       8
 * +-------+-------+---------------+-------+-------+-------+------
 * | type  | code  | checksum      | identifier  | sequence  | data     echo
 * | type  | code  | checksum      | unused              | IP packet     error
 * +-------+-------+---------------+-------+-------+-------+------
 * ```
 *
 * Source: RFC 792; RFC 4443. ICMPv6's checksum covers a pseudo header, ICMP's does not.
 */

import { checksum } from '../../wire/checksum.ts';
import { IP_PROTOCOL_ICMP, IP_PROTOCOL_ICMPV6, pseudoHeaderSum } from '../../wire/ip.ts';
import { writeUint16 } from '../../wire/uint16.ts';
import { ipHeaderBytes, type ReceivedPacket, writeIpHeader } from './headers.ts';
import type { Counting, ReceiveStatistics } from './statistics.ts';
import { PACKET, type Transmitter } from './transmitter.ts';

/** Bytes in front of the data of an echo, and of the packet an error quotes. */
export const ICMP_HEADER_BYTES = 8;
const CODE = 1;
const CHECKSUM = 2;
/** Identifier and sequence number, 16 bits each. */
export const ICMP_ECHO_ID = 4;

/** Message types by family (RFC 792; RFC 4443, sections 3.1, 4.1 and 4.2). */
const TYPES = {
  4: { protocol: IP_PROTOCOL_ICMP, request: 8, reply: 0 },
  6: { protocol: IP_PROTOCOL_ICMPV6, request: 128, reply: 129 },
} as const;

/** "Port unreachable": type and code (RFC 792; RFC 4443, section 3.1), and how much may be sent. */
const PORT_UNREACHABLE = {
  /** At most 576 bytes in all (RFC 1812, section 4.3.2.3). */
  4: { type: 3, code: 3, maxBytes: 576 },
  /** At most the smallest IPv6 MTU (RFC 4443, section 2.4 c). */
  6: { type: 1, code: 4, maxBytes: 1280 },
} as const;

/** ICMP types that report an error; ICMPv6 has those below 128 (RFC 4443, section 2.1). */
const ICMP_ERRORS: readonly number[] = [3, 4, 5, 11, 12];
const FIRST_ICMPV6_INFORMATION = 128;

/** Who waits for echo replies. */
export interface EchoReplies {
  /** Handles an echo reply; returns whether one was waited for. */
  reply(packet: ReceivedPacket): boolean;
}

export class Icmp {
  readonly #transmitter: Transmitter;
  readonly #pings: EchoReplies;
  readonly #statistics: Counting<ReceiveStatistics>;

  constructor(
    transmitter: Transmitter,
    pings: EchoReplies,
    statistics: Counting<ReceiveStatistics>,
  ) {
    this.#transmitter = transmitter;
    this.#pings = pings;
    this.#statistics = statistics;
  }

  /** Handles an ICMP message of the packet's family. */
  receive(packet: ReceivedPacket): void {
    const { bytes, payload, payloadBytes, family } = packet;
    const { request, reply } = TYPES[family];
    if (payloadBytes < ICMP_HEADER_BYTES) {
      this.#statistics.malformed++;
      return;
    }
    if (icmpChecksum(bytes, packet.offset, payload, payloadBytes, family) !== 0) {
      this.#statistics.badChecksum++;
      return;
    }
    const type = bytes[payload]!;
    if (type === request) this.#answer(packet);
    else if (type === reply) this.#count(this.#pings.reply(packet));
    else if (isError(type, family)) this.#statistics.icmpErrors++;
    else this.#statistics.icmpIgnored++;
  }

  /** Tells the sender of `packet` that nobody listens on that port, quoting the packet. */
  sendPortUnreachable(packet: ReceivedPacket): void {
    const { family } = packet;
    const { type, code, maxBytes } = PORT_UNREACHABLE[family];
    const headers = ipHeaderBytes(packet.addressBytes) + ICMP_HEADER_BYTES;
    const quoted = Math.min(packet.length, maxBytes - headers);
    const { buffer } = this.#transmitter;
    const from = packet.copyAddress(packet.destination);
    const to = packet.copyAddress(packet.source);
    const at = writeIcmp(buffer, type, code, ICMP_HEADER_BYTES + quoted, from, to);
    buffer.set(
      packet.bytes.subarray(packet.offset, packet.offset + quoted),
      at + ICMP_HEADER_BYTES,
    );
    sealIcmp(buffer, at, ICMP_HEADER_BYTES + quoted, family);
    this.#transmitter.send(headers + quoted);
  }

  #answer(packet: ReceivedPacket): void {
    this.#statistics.echoRequests++;
    packet.turnRound();
    packet.bytes[packet.payload] = TYPES[packet.family].reply;
    writeUint16(packet.bytes, packet.payload + CHECKSUM, 0);
    writeUint16(
      packet.bytes,
      packet.payload + CHECKSUM,
      icmpChecksum(packet.bytes, packet.offset, packet.payload, packet.payloadBytes, packet.family),
    );
    this.#transmitter.sendEntry(packet.bytes, packet.offset - PACKET, packet.length);
  }

  #count(expected: boolean): void {
    if (expected) this.#statistics.echoReplies++;
    else this.#statistics.unexpectedReplies++;
  }
}

/**
 * Writes IP header and ICMP header of an echo request into an entry, and returns the offset of the
 * ICMP header. {@link sealIcmp} completes it once the data is there.
 */
export function writeEchoRequest(
  entry: Uint8Array,
  icmpBytes: number,
  source: Uint8Array,
  destination: Uint8Array,
): number {
  const { request } = TYPES[familyOf(source)];
  return writeIcmp(entry, request, 0, icmpBytes, source, destination);
}

/** Computes the checksum of the message at `at` of an entry. */
export function sealIcmp(entry: Uint8Array, at: number, icmpBytes: number, family: 4 | 6): void {
  writeUint16(entry, at + CHECKSUM, icmpChecksum(entry, PACKET, at, icmpBytes, family));
}

/** The family of an address by its length. */
export function familyOf(address: Uint8Array): 4 | 6 {
  return address.length === 4 ? 4 : 6;
}

function writeIcmp(
  entry: Uint8Array,
  type: number,
  code: number,
  icmpBytes: number,
  source: Uint8Array,
  destination: Uint8Array,
): number {
  const { protocol } = TYPES[familyOf(source)];
  const at = writeIpHeader(entry, PACKET, protocol, icmpBytes, source, destination);
  entry.fill(0, at, at + ICMP_HEADER_BYTES);
  entry[at] = type;
  entry[at + CODE] = code;
  return at;
}

function icmpChecksum(
  bytes: Uint8Array,
  ipOffset: number,
  offset: number,
  length: number,
  family: 4 | 6,
): number {
  const pseudo = family === 4 ? 0 : pseudoHeaderSum(bytes, ipOffset, IP_PROTOCOL_ICMPV6, length);
  return checksum(bytes, offset, length, pseudo);
}

function isError(type: number, family: 4 | 6): boolean {
  return family === 4 ? ICMP_ERRORS.includes(type) : type < FIRST_ICMPV6_INFORMATION;
}
