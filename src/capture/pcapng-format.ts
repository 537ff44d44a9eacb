/**
 * The blocks of a pcapng file, little endian. Pure bytes.
 *
 * ```
 *  0            4              8                        length-4      length
 * +------------+--------------+------------------------+-------------+
 * | block type | block length | body, to 4 bytes       | block length|
 * +------------+--------------+------------------------+-------------+
 *
 *  enhanced packet block: body
 *  0           4            8            12           16         20        20+n, to 4
 * +-----------+------------+------------+------------+----------+--------+---------+
 * | interface | time, high | time, low  | captured n | original | packet | options |
 * +-----------+------------+------------+------------+----------+--------+---------+
 * ```
 *
 * Source: draft-ietf-opsawg-pcapng, sections 3.1, 4.1, 4.2, 4.3.
 */

import { type CopyArea, copyBytes } from '../copy.ts';

const SECTION_HEADER_BLOCK = 0x0a0d0d0a;
const INTERFACE_BLOCK = 1;
const ENHANCED_PACKET_BLOCK = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const MAJOR_VERSION = 1;
/** "Not given", of a section's length. */
const UNKNOWN = 0xffffffff;
/** Packets begin with their IP header, of either version. */
const LINKTYPE_RAW = 101;

const BLOCK_HEADER_BYTES = 8;
const BLOCK_TRAILER_BYTES = 4;
const SECTION_BODY_BYTES = 16;
const SECTION_MINOR = 6;
const SECTION_LENGTH = 8;
const INTERFACE_BODY_BYTES = 8;
const INTERFACE_SNAP_LENGTH = 4;
const PACKET_CAPTURED = 12;
const PACKET_ORIGINAL = 16;
const PACKET_FIELDS_BYTES = 20;
const WORD_BYTES = 4;

/** Options: if_name, epb_flags, and their end. */
const OPTION_IF_NAME = 2;
const OPTION_PACKET_FLAGS = 2;
const OPTION_HEADER_BYTES = 4;
const PACKET_OPTIONS_BYTES: number = OPTION_HEADER_BYTES + WORD_BYTES + OPTION_HEADER_BYTES;

/** Direction in epb_flags, as the interface's owner sees it. */
export const PacketFlag = { INBOUND: 1, OUTBOUND: 2 } as const;
export type PacketFlag = (typeof PacketFlag)[keyof typeof PacketFlag];

const TWO_TO_32 = 0x100000000;

function align4(bytes: number): number {
  return (bytes + (WORD_BYTES - 1)) & ~(WORD_BYTES - 1);
}

/** Bytes of the block with a packet of `size` bytes. */
export function packetBlockBytes(size: number): number {
  return (
    BLOCK_HEADER_BYTES +
    PACKET_FIELDS_BYTES +
    align4(size) +
    PACKET_OPTIONS_BYTES +
    BLOCK_TRAILER_BYTES
  );
}

/** What a file begins with: a section, and in it one interface. Times count microseconds, the default. */
export function fileHeader(interfaceName: string): Uint8Array {
  const name = new TextEncoder().encode(interfaceName);
  const section = BLOCK_HEADER_BYTES + SECTION_BODY_BYTES + BLOCK_TRAILER_BYTES;
  const options = OPTION_HEADER_BYTES + align4(name.length) + OPTION_HEADER_BYTES;
  const description = BLOCK_HEADER_BYTES + INTERFACE_BODY_BYTES + options + BLOCK_TRAILER_BYTES;
  const bytes = new Uint8Array(section + description);
  const view = new DataView(bytes.buffer);
  let at = beginBlock(view, 0, SECTION_HEADER_BLOCK, section);
  view.setUint32(at, BYTE_ORDER_MAGIC, true);
  view.setUint16(at + WORD_BYTES, MAJOR_VERSION, true);
  view.setUint16(at + SECTION_MINOR, 0, true);
  view.setUint32(at + SECTION_LENGTH, UNKNOWN, true);
  view.setUint32(at + SECTION_LENGTH + WORD_BYTES, UNKNOWN, true);
  at = beginBlock(view, section, INTERFACE_BLOCK, description);
  view.setUint16(at, LINKTYPE_RAW, true);
  // No limit to what is kept of a packet.
  view.setUint32(at + INTERFACE_SNAP_LENGTH, 0, true);
  at += INTERFACE_BODY_BYTES;
  view.setUint16(at, OPTION_IF_NAME, true);
  view.setUint16(at + 2, name.length, true);
  bytes.set(name, at + OPTION_HEADER_BYTES);
  return bytes;
}

/** Writes a packet's block at `at` of `to`; returns the offset behind it. The caller has checked the room. */
export function writePacketBlock(
  to: CopyArea,
  view: DataView,
  at: number,
  from: CopyArea,
  offset: number,
  size: number,
  microseconds: number,
  flag: PacketFlag,
): number {
  const length = packetBlockBytes(size);
  const body = beginBlock(view, at, ENHANCED_PACKET_BLOCK, length);
  view.setUint32(body, 0, true);
  view.setUint32(body + WORD_BYTES, Math.floor(microseconds / TWO_TO_32), true);
  view.setUint32(body + 2 * WORD_BYTES, microseconds % TWO_TO_32, true);
  view.setUint32(body + PACKET_CAPTURED, size, true);
  view.setUint32(body + PACKET_ORIGINAL, size, true);
  const packet = body + PACKET_FIELDS_BYTES;
  copyBytes(from, offset, to, packet, size);
  to.bytes.fill(0, packet + size, packet + align4(size));
  const options = packet + align4(size);
  view.setUint16(options, OPTION_PACKET_FLAGS, true);
  view.setUint16(options + 2, WORD_BYTES, true);
  view.setUint32(options + OPTION_HEADER_BYTES, flag, true);
  view.setUint32(options + OPTION_HEADER_BYTES + WORD_BYTES, 0, true);
  return at + length;
}

/** Type and both lengths; returns the offset of the body. */
function beginBlock(view: DataView, at: number, type: number, length: number): number {
  view.setUint32(at, type, true);
  view.setUint32(at + WORD_BYTES, length, true);
  view.setUint32(at + length - BLOCK_TRAILER_BYTES, length, true);
  return at + BLOCK_HEADER_BYTES;
}
