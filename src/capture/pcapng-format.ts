/**
 * What pcapng files are made of: numbers that writer and reader share, and blocks that are written once a file.
 * Written little endian. Pure bytes.
 *
 * ```
 *  0            4              8                        length-4      length
 * +------------+--------------+------------------------+-------------+
 * | block type | block length | body, to 4 bytes       | block length|
 * +------------+--------------+------------------------+-------------+
 *
 *  option, at the end of a body
 *  0      2        4                4+length, to 4
 * +------+--------+----------------+
 * | code | length | value          |   and behind the last one: code 0, length 0
 * +------+--------+----------------+
 * ```
 *
 * Source: draft-ietf-opsawg-pcapng, sections 3.1, 3.5, 4.1 to 4.6.
 */

/** Types of blocks. */
export const BlockType = {
  SECTION: 0x0a0d0d0a,
  INTERFACE: 1,
  /** Obsolete. */
  PACKET: 2,
  SIMPLE_PACKET: 3,
  STATISTICS: 5,
  ENHANCED_PACKET: 6,
} as const;

/** Codes of options: those of every block, then by block. */
export const OptionCode = {
  END: 0,
  COMMENT: 1,
  SECTION_OS: 3,
  SECTION_APPLICATION: 4,
  INTERFACE_NAME: 2,
  INTERFACE_DESCRIPTION: 3,
  INTERFACE_IPV4: 4,
  INTERFACE_IPV6: 5,
  INTERFACE_RESOLUTION: 9,
  INTERFACE_FILTER: 11,
  INTERFACE_OS: 12,
  INTERFACE_TIME_OFFSET: 14,
  PACKET_FLAGS: 2,
  PACKET_DROP_COUNT: 4,
  STATISTICS_START: 2,
  STATISTICS_END: 3,
  STATISTICS_RECEIVED: 4,
  STATISTICS_DROPPED: 5,
  STATISTICS_ACCEPTED: 6,
  STATISTICS_OS_DROPPED: 7,
  STATISTICS_DELIVERED: 8,
} as const;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Major version; the minor one is 0. */
export const PCAPNG_VERSION = 1;

export const BLOCK_HEADER_BYTES = 8;
export const BLOCK_TRAILER_BYTES = 4;
export const OPTION_HEADER_BYTES = 4;
export const WORD_BYTES = 4;
export const TWO_TO_32: number = 2 ** 32;

/** Body of an enhanced packet block: interface, time (high, low), captured and original length, packet. */
export const PacketField = {
  INTERFACE: 0,
  TIME_HIGH: 4,
  TIME_LOW: 8,
  CAPTURED: 12,
  ORIGINAL: 16,
  DATA: 20,
} as const;

/** Direction in epb_flags, as the interface's owner sees it. */
export const PacketFlag = { INBOUND: 1, OUTBOUND: 2 } as const;
export type PacketFlag = (typeof PacketFlag)[keyof typeof PacketFlag];

/** An option to be written. */
export interface BlockOption {
  readonly code: number;
  readonly value: Uint8Array;
}

/** Bytes up to the next multiple of 4. */
export function align4(bytes: number): number {
  return (bytes + (WORD_BYTES - 1)) & ~(WORD_BYTES - 1);
}

/** An option of text; longer text than an option holds is cut. */
export function textOption(code: number, text: string): BlockOption {
  return { code, value: new TextEncoder().encode(text).subarray(0, MAX_OPTION_BYTES) };
}

/** Bytes of an option's value, at most: its length has 16 bits, and block lengths are rounded up. */
export const MAX_OPTION_BYTES = 0xfffc;

/** An option of a 64-bit count. */
export function countOption(code: number, count: number): BlockOption {
  const view = new DataView(new ArrayBuffer(BigUint64Array.BYTES_PER_ELEMENT));
  view.setBigUint64(0, BigInt(count), true);
  return { code, value: new Uint8Array(view.buffer) };
}

/** A whole block. */
export function block(type: number, body: Uint8Array, options: readonly BlockOption[]): Uint8Array {
  const optionBytes = options.reduce(
    (sum, { value }) => sum + OPTION_HEADER_BYTES + align4(value.length),
    options.length === 0 ? 0 : OPTION_HEADER_BYTES,
  );
  const length = BLOCK_HEADER_BYTES + align4(body.length) + optionBytes + BLOCK_TRAILER_BYTES;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = beginBlock(view, 0, type, length);
  bytes.set(body, at);
  at += align4(body.length);
  for (const { code, value } of options) {
    writeOptionHeader(view, at, code, value.length);
    bytes.set(value, at + OPTION_HEADER_BYTES);
    at += OPTION_HEADER_BYTES + align4(value.length);
  }
  return bytes;
}

/** Writes type and both lengths; returns the offset of the body. */
export function beginBlock(view: DataView, at: number, type: number, length: number): number {
  view.setUint32(at, type, true);
  view.setUint32(at + WORD_BYTES, length, true);
  view.setUint32(at + length - BLOCK_TRAILER_BYTES, length, true);
  return at + BLOCK_HEADER_BYTES;
}

export function writeOptionHeader(view: DataView, at: number, code: number, length: number): void {
  view.setUint16(at, code, true);
  view.setUint16(at + Uint16Array.BYTES_PER_ELEMENT, length, true);
}
