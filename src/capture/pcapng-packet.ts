/**
 * The block of one packet. Allocates nothing.
 *
 * ```
 *  enhanced packet block: body
 *  0           4            8            12           16         20        20+n, to 4
 * +-----------+------------+------------+------------+----------+--------+---------+
 * | interface | time, high | time, low  | captured n | original | packet | options |
 * +-----------+------------+------------+------------+----------+--------+---------+
 * ```
 *
 * Source: draft-ietf-opsawg-pcapng, section 4.3.
 */

import { type CopyArea, copyBytes } from '../copy.ts';
import {
  align4,
  BLOCK_HEADER_BYTES,
  BLOCK_TRAILER_BYTES,
  BlockType,
  beginBlock,
  OPTION_HEADER_BYTES,
  OptionCode,
  PacketField,
  PacketFlag,
  TWO_TO_32,
  WORD_BYTES,
  writeOptionHeader,
} from './pcapng-format.ts';

const COUNT_BYTES = 8;

/** What is said of a packet. Reused from packet to packet. */
export class PacketFields {
  /** Bytes that are kept, and that there were. */
  captured = 0;
  original = 0;
  /** Microseconds of the Unix epoch. */
  microseconds = 0;
  flag: PacketFlag = PacketFlag.INBOUND;
  /** Packets lost since the one before. */
  dropped = 0;
  comment: Uint8Array | undefined;
}

/** Bytes of the block of a packet. */
export function packetBlockBytes({ captured, dropped, comment }: PacketFields): number {
  return (
    BLOCK_HEADER_BYTES +
    PacketField.DATA +
    align4(captured) +
    OPTION_HEADER_BYTES +
    WORD_BYTES +
    (dropped > 0 ? OPTION_HEADER_BYTES + COUNT_BYTES : 0) +
    (comment === undefined ? 0 : OPTION_HEADER_BYTES + align4(comment.length)) +
    OPTION_HEADER_BYTES +
    BLOCK_TRAILER_BYTES
  );
}

/**
 * Writes the block of the packet at `offset` of `from`, at `at` of `to`; returns the offset behind it. The
 * caller has checked the room, and that the packet lies within `from`.
 */
export function writePacketBlock(
  to: CopyArea,
  view: DataView,
  at: number,
  from: CopyArea,
  offset: number,
  fields: PacketFields,
): number {
  const { captured, microseconds, dropped, comment } = fields;
  const length = packetBlockBytes(fields);
  const body = beginBlock(view, at, BlockType.ENHANCED_PACKET, length);
  view.setUint32(body + PacketField.INTERFACE, 0, true);
  view.setUint32(body + PacketField.TIME_HIGH, Math.floor(microseconds / TWO_TO_32), true);
  view.setUint32(body + PacketField.TIME_LOW, microseconds % TWO_TO_32, true);
  view.setUint32(body + PacketField.CAPTURED, captured, true);
  view.setUint32(body + PacketField.ORIGINAL, fields.original, true);
  const packet = body + PacketField.DATA;
  copyBytes(from, offset, to, packet, captured);
  let option = packet + align4(captured);
  to.bytes.fill(0, packet + captured, option);
  writeOptionHeader(view, option, OptionCode.PACKET_FLAGS, WORD_BYTES);
  view.setUint32(option + OPTION_HEADER_BYTES, fields.flag, true);
  option += OPTION_HEADER_BYTES + WORD_BYTES;
  if (dropped > 0) {
    writeOptionHeader(view, option, OptionCode.PACKET_DROP_COUNT, COUNT_BYTES);
    view.setUint32(option + OPTION_HEADER_BYTES, dropped % TWO_TO_32, true);
    view.setUint32(
      option + OPTION_HEADER_BYTES + WORD_BYTES,
      Math.floor(dropped / TWO_TO_32),
      true,
    );
    option += OPTION_HEADER_BYTES + COUNT_BYTES;
  }
  if (comment !== undefined) {
    const end = option + OPTION_HEADER_BYTES + align4(comment.length);
    writeOptionHeader(view, option, OptionCode.COMMENT, comment.length);
    to.bytes.set(comment, option + OPTION_HEADER_BYTES);
    to.bytes.fill(0, option + OPTION_HEADER_BYTES + comment.length, end);
    option = end;
  }
  writeOptionHeader(view, option, OptionCode.END, 0);
  return at + length;
}
