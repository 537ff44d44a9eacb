/**
 * Reads pcapng: sections of either byte order, interfaces of any resolution, packets of all three kinds of
 * blocks; other blocks are passed over. Every length is checked against the block it is in before it is used.
 *
 * Source: draft-ietf-opsawg-pcapng, sections 3 and 4, appendix A (the obsolete packet block).
 */

import {
  align4,
  BLOCK_HEADER_BYTES,
  BLOCK_TRAILER_BYTES,
  BlockType,
  BYTE_ORDER_MAGIC,
  OPTION_HEADER_BYTES,
  OptionCode,
  PacketField,
  PacketFlag,
  PCAPNG_VERSION,
  TWO_TO_32,
  WORD_BYTES,
} from '../pcapng-format.ts';
import { broken, type Chunks } from './chunks.ts';
import { packetOffset } from './link-types.ts';
import type { CapturedPacket, PacketParser } from './packet.ts';

/** Bytes of a block, at most: what other tools take, and a bound on what a file makes us keep. */
const MAX_BLOCK_BYTES = 16 * 1024 * 1024;
const MIN_BLOCK_BYTES: number = BLOCK_HEADER_BYTES + BLOCK_TRAILER_BYTES;
/** Type, length, and of a section the word that tells the byte order. */
const PEEK_BYTES = 12;
const SECTION_BYTES = 16;
const SECTION_VERSION = 4;
const INTERFACE_BYTES = 8;
const INTERFACE_SNAP_LENGTH = 4;
/** In an obsolete packet block the interface has 16 bits; the rest lies where it does today. */
const MAX_INTERFACES = 0x10000;
const DIRECTION_MASK = 3;

/** Times count in powers of 10, or of 2 with this bit. Microseconds when nothing is said. */
const DEFAULT_RESOLUTION = 6;
const POWER_OF_TWO = 0x80;
const POWER_MASK = 0x7f;
const US_PER_SECOND = 1e6;

interface Interface {
  readonly linkType: number;
  /** 0 for no limit. */
  readonly snapLength: number;
  /** Microseconds of one unit of its times, and what is added to all, in microseconds. */
  readonly unit: number;
  readonly offset: number;
}

export class PcapngParser implements PacketParser {
  readonly #chunks: Chunks;
  #little = true;
  #interfaces: Interface[] = [];

  constructor(chunks: Chunks) {
    this.#chunks = chunks;
  }

  next(): CapturedPacket | undefined {
    for (;;) {
      const length = this.#blockLength();
      if (length === undefined || this.#chunks.length < length) return undefined;
      const packet = this.#block(length);
      this.#chunks.drop(length);
      if (packet !== undefined) return packet;
    }
  }

  /** Length of the block that begins here; undefined when too little of it is there. */
  #blockLength(): number | undefined {
    const chunks = this.#chunks;
    if (chunks.length < PEEK_BYTES) return undefined;
    if (chunks.uint32(0, true) === BlockType.SECTION) this.#little = this.#byteOrder();
    const length = chunks.uint32(WORD_BYTES, this.#little);
    if (length < MIN_BLOCK_BYTES || length > MAX_BLOCK_BYTES || length % WORD_BYTES !== 0) {
      throw this.#broken(
        WORD_BYTES,
        `a block has the length ${length}; it is a multiple of 4 from ${MIN_BLOCK_BYTES} to ${MAX_BLOCK_BYTES}`,
      );
    }
    if (chunks.length < length) return undefined;
    const again = chunks.uint32(length - BLOCK_TRAILER_BYTES, this.#little);
    if (again === length) return length;
    throw this.#broken(
      length - BLOCK_TRAILER_BYTES,
      `a block of ${length} bytes ends with the length ${again}`,
    );
  }

  /** Of the section that begins here. Its type reads the same both ways. */
  #byteOrder(): boolean {
    const magic = this.#chunks.uint32(BLOCK_HEADER_BYTES, true);
    if (magic === BYTE_ORDER_MAGIC) return true;
    if (this.#chunks.uint32(BLOCK_HEADER_BYTES, false) === BYTE_ORDER_MAGIC) return false;
    throw this.#broken(
      BLOCK_HEADER_BYTES,
      `a section has the byte order mark 0x${magic.toString(16)}`,
    );
  }

  #block(length: number): CapturedPacket | undefined {
    const type = this.#chunks.uint32(0, this.#little);
    const body = length - BLOCK_HEADER_BYTES - BLOCK_TRAILER_BYTES;
    if (type === BlockType.SECTION) this.#section(body);
    else if (type === BlockType.INTERFACE) this.#interface(body);
    else if (type === BlockType.ENHANCED_PACKET) return this.#packet(body, this.#uint32(0));
    else if (type === BlockType.PACKET) return this.#packet(body, this.#uint16(0));
    else if (type === BlockType.SIMPLE_PACKET) return this.#simplePacket(body);
    return undefined;
  }

  #section(body: number): void {
    this.#require(body, SECTION_BYTES, 'a section');
    const major = this.#uint16(SECTION_VERSION);
    if (major !== PCAPNG_VERSION) {
      throw this.#broken(
        BLOCK_HEADER_BYTES + SECTION_VERSION,
        `a section has the version ${major}; version 1 is known`,
      );
    }
    this.#interfaces = [];
  }

  #interface(body: number): void {
    this.#require(body, INTERFACE_BYTES, 'an interface');
    if (this.#interfaces.length === MAX_INTERFACES) {
      throw this.#broken(0, `there is one interface more than ${MAX_INTERFACES}`);
    }
    let resolution = DEFAULT_RESOLUTION;
    let seconds = 0;
    this.#options(INTERFACE_BYTES, body, (code, at, length) => {
      if (code === OptionCode.INTERFACE_RESOLUTION && length === 1) {
        resolution = this.#chunks.uint8(BLOCK_HEADER_BYTES + at);
      } else if (code === OptionCode.INTERFACE_TIME_OFFSET && length === 2 * WORD_BYTES) {
        seconds = this.#int64(at);
      }
    });
    const power = resolution & POWER_MASK;
    const perSecond = (resolution & POWER_OF_TWO) === 0 ? 10 ** power : 2 ** power;
    this.#interfaces.push({
      linkType: this.#uint16(0),
      snapLength: this.#uint32(INTERFACE_SNAP_LENGTH),
      unit: US_PER_SECOND / perSecond,
      offset: seconds * US_PER_SECOND,
    });
  }

  #packet(body: number, number: number): CapturedPacket {
    this.#require(body, PacketField.DATA, 'a packet');
    const { linkType, unit, offset } = this.#interfaceOf(number);
    const captured = this.#uint32(PacketField.CAPTURED);
    const end = PacketField.DATA + captured;
    if (end > body) {
      throw this.#broken(
        BLOCK_HEADER_BYTES + PacketField.CAPTURED,
        `a packet has ${captured} bytes in a block with room for ${body - PacketField.DATA}`,
      );
    }
    let flags = 0;
    this.#options(PacketField.DATA + align4(captured), body, (code, at, length) => {
      if (code === OptionCode.PACKET_FLAGS && length === WORD_BYTES) flags = this.#uint32(at);
    });
    const time =
      this.#uint32(PacketField.TIME_HIGH) * TWO_TO_32 + this.#uint32(PacketField.TIME_LOW);
    const direction = flags & DIRECTION_MASK;
    const frame = this.#chunks.slice(
      BLOCK_HEADER_BYTES + PacketField.DATA,
      BLOCK_HEADER_BYTES + end,
    );
    return {
      frame,
      originalBytes: this.#uint32(PacketField.ORIGINAL),
      packetOffset: packetOffset(linkType, frame),
      microseconds: Math.floor(time * unit) + offset,
      direction:
        direction === PacketFlag.OUTBOUND
          ? 'send'
          : direction === PacketFlag.INBOUND
            ? 'receive'
            : undefined,
    };
  }

  /** Without time, and of the first interface. */
  #simplePacket(body: number): CapturedPacket {
    this.#require(body, WORD_BYTES, 'a packet');
    const { linkType, snapLength } = this.#interfaceOf(0);
    const originalBytes = this.#uint32(0);
    const most = snapLength === 0 ? originalBytes : Math.min(snapLength, originalBytes);
    const captured = Math.min(most, body - WORD_BYTES);
    const start = BLOCK_HEADER_BYTES + WORD_BYTES;
    const frame = this.#chunks.slice(start, start + captured);
    return {
      frame,
      originalBytes,
      packetOffset: packetOffset(linkType, frame),
      microseconds: undefined,
      direction: undefined,
    };
  }

  #interfaceOf(number: number): Interface {
    const found = this.#interfaces[number];
    if (found !== undefined) return found;
    throw this.#broken(
      BLOCK_HEADER_BYTES,
      `a packet is of the interface ${number}, of ${this.#interfaces.length} in this section`,
    );
  }

  /** Calls back for each option between `from` and `to` of the body, with the offset of its value there. */
  #options(
    from: number,
    to: number,
    option: (code: number, at: number, length: number) => void,
  ): void {
    for (let at = from; at + OPTION_HEADER_BYTES <= to; ) {
      const code = this.#uint16(at);
      const length = this.#uint16(at + Uint16Array.BYTES_PER_ELEMENT);
      if (code === OptionCode.END) return;
      if (at + OPTION_HEADER_BYTES + length > to) {
        throw this.#broken(
          BLOCK_HEADER_BYTES + at,
          `an option of ${length} bytes runs past the end of its block`,
        );
      }
      option(code, at + OPTION_HEADER_BYTES, length);
      at += OPTION_HEADER_BYTES + align4(length);
    }
  }

  #require(body: number, bytes: number, what: string): void {
    if (body >= bytes) return;
    throw this.#broken(WORD_BYTES, `${what} has a body of ${body} bytes; it takes ${bytes}`);
  }

  /** Words of the body. The caller knows that they are there. */
  #uint32(at: number): number {
    return this.#chunks.uint32(BLOCK_HEADER_BYTES + at, this.#little);
  }

  #uint16(at: number): number {
    return this.#chunks.uint16(BLOCK_HEADER_BYTES + at, this.#little);
  }

  #int64(at: number): number {
    const first = this.#uint32(at);
    const second = this.#uint32(at + WORD_BYTES);
    const [high, low] = this.#little ? [second, first] : [first, second];
    return (high | 0) * TWO_TO_32 + low;
  }

  #broken(at: number, problem: string): Error {
    return broken(this.#chunks.offset + at, problem);
  }
}
