/**
 * Reads the older format of capture files, pcap.
 *
 * ```
 *  0        4         8          16        20        24
 * +--------+---------+----------+---------+---------+     +---------+----------+----------+----------+- - -
 * | magic  | version | reserved | snaplen | link    |     | seconds | fraction | captured | original | packet
 * +--------+---------+----------+---------+---------+     +---------+----------+----------+----------+- - -
 * ```
 *
 * Source: draft-ietf-opsawg-pcap, sections 4 and 5.
 */

import { broken, type Chunks } from './chunks.ts';
import { packetOffset } from './link-types.ts';
import type { CapturedPacket, PacketParser } from './packet.ts';

/** Magic numbers of times in microseconds and in nanoseconds. */
const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;

const HEADER_BYTES = 24;
const LINK_TYPE = 20;
/** What stands beside the link type are flags. */
const LINK_TYPE_MASK = 0x0fff_ffff;
const RECORD_BYTES = 16;
const FRACTION = 4;
const CAPTURED = 8;
const ORIGINAL = 12;
/** More than any packet has; what other tools take. */
const MAX_FRAME_BYTES = 0x40000;
const US_PER_SECOND = 1e6;
const NS_PER_US = 1000;

/** The byte order of a file that begins with this; undefined when it is of another kind. */
export function pcapByteOrder(chunks: Chunks): 'little' | 'big' | undefined {
  if (isMagic(chunks.uint32(0, true))) return 'little';
  return isMagic(chunks.uint32(0, false)) ? 'big' : undefined;
}

function isMagic(word: number): boolean {
  return word === MICROSECONDS || word === NANOSECONDS;
}

export class PcapParser implements PacketParser {
  readonly #chunks: Chunks;
  readonly #little: boolean;
  #linkType: number | undefined;
  #perMicrosecond = 1;

  constructor(chunks: Chunks, order: 'little' | 'big') {
    this.#chunks = chunks;
    this.#little = order === 'little';
  }

  next(): CapturedPacket | undefined {
    const chunks = this.#chunks;
    const little = this.#little;
    const linkType = this.#linkType ?? this.#header();
    if (linkType === undefined || chunks.length < RECORD_BYTES) return undefined;
    const captured = chunks.uint32(CAPTURED, little);
    const originalBytes = chunks.uint32(ORIGINAL, little);
    if (captured > MAX_FRAME_BYTES) {
      throw broken(chunks.offset + CAPTURED, `a packet of ${captured} bytes begins`);
    }
    if (originalBytes < captured) {
      throw broken(
        chunks.offset + ORIGINAL,
        `a packet is said to have had ${originalBytes} bytes, of which there are ${captured}`,
      );
    }
    if (chunks.length < RECORD_BYTES + captured) return undefined;
    const fraction = chunks.uint32(FRACTION, little) / this.#perMicrosecond;
    const microseconds = chunks.uint32(0, little) * US_PER_SECOND + Math.floor(fraction);
    const frame = chunks.slice(RECORD_BYTES, RECORD_BYTES + captured);
    chunks.drop(RECORD_BYTES + captured);
    return {
      frame,
      originalBytes,
      packetOffset: packetOffset(linkType, frame),
      microseconds,
      direction: undefined,
    };
  }

  #header(): number | undefined {
    const chunks = this.#chunks;
    if (chunks.length < HEADER_BYTES) return undefined;
    if (chunks.uint32(0, this.#little) === NANOSECONDS) this.#perMicrosecond = NS_PER_US;
    this.#linkType = chunks.uint32(LINK_TYPE, this.#little) & LINK_TYPE_MASK;
    chunks.drop(HEADER_BYTES);
    return this.#linkType;
  }
}
