/**
 * What a pcapng file of ours begins and ends with: a section with one interface, and that interface's
 * statistics.
 *
 * Source: draft-ietf-opsawg-pcapng, sections 4.1, 4.2 and 4.6.
 */

import { parsePrefix } from '../wire/address.ts';
import {
  BlockType,
  BYTE_ORDER_MAGIC,
  type BlockOption,
  block,
  countOption,
  OptionCode,
  PCAPNG_VERSION,
  TWO_TO_32,
  textOption,
  WORD_BYTES,
} from './pcapng-format.ts';

/** Packets begin with their IP header, of either version (LINKTYPE_RAW). */
const LINKTYPE_RAW = 101;
/** Times count microseconds: 10 to the power of minus this. */
const MICROSECONDS = 6;

const SECTION_BODY_BYTES = 16;
const SECTION_MAJOR = 4;
const SECTION_LENGTH = 8;
/** A section's length that is not given. */
const UNKNOWN = 0xffffffff;
const INTERFACE_BODY_BYTES = 8;
const INTERFACE_SNAP_LENGTH = 4;
const STATISTICS_BODY_BYTES = 12;
const IPV4_MASK_BYTES = 4;
const BITS_PER_BYTE = 8;
const BYTE = 0xff;
/** if_filter begins with the kind of filter; 0 is an expression in text. */
const FILTER_TEXT = '\0';

/** What is said of a capture in its file. */
export interface CaptureDescription {
  readonly interfaceName: string;
  readonly interfaceDescription?: string | undefined;
  /** Addresses with prefix length. */
  readonly addresses?: readonly string[] | undefined;
  /** Bytes that are kept of a packet at most; 0 for all. */
  readonly snapLength: number;
  readonly filter?: string | undefined;
  /** The operating system. */
  readonly os: string;
  /** The program that writes. */
  readonly application: string;
  readonly comment?: string | undefined;
}

/** Of one file, or of all so far when there are several. */
export interface CaptureCounts {
  /** When the capture began, and now: microseconds of the Unix epoch. */
  readonly start: number;
  readonly end: number;
  /** Packets that crossed the interface while it was looked at. */
  readonly received: number;
  /** Those of them that are missing in the file although they were wanted. */
  readonly dropped: number;
  /** Those of the dropped that the operating system did not hand over. */
  readonly osDropped: number;
  /** Packets that the filter let pass. */
  readonly accepted: number;
  /** Packets in the file. */
  readonly delivered: number;
  readonly comment?: string | undefined;
}

/** What a file begins with. */
export function fileHeader(about: CaptureDescription): Uint8Array {
  const section = sectionBlock(about);
  const description = interfaceBlock(about);
  const bytes = new Uint8Array(section.length + description.length);
  bytes.set(section);
  bytes.set(description, section.length);
  return bytes;
}

/** What a file ends with. */
export function statisticsBlock(counts: CaptureCounts): Uint8Array {
  const body = new DataView(new ArrayBuffer(STATISTICS_BODY_BYTES));
  const { start, end } = counts;
  setTime(body, WORD_BYTES, end);
  return block(BlockType.STATISTICS, new Uint8Array(body.buffer), [
    { code: OptionCode.STATISTICS_START, value: timeValue(start) },
    { code: OptionCode.STATISTICS_END, value: timeValue(end) },
    countOption(OptionCode.STATISTICS_RECEIVED, counts.received),
    countOption(OptionCode.STATISTICS_DROPPED, counts.dropped),
    countOption(OptionCode.STATISTICS_ACCEPTED, counts.accepted),
    countOption(OptionCode.STATISTICS_OS_DROPPED, counts.osDropped),
    countOption(OptionCode.STATISTICS_DELIVERED, counts.delivered),
    ...optional(OptionCode.COMMENT, counts.comment),
  ]);
}

function sectionBlock({ os, application, comment }: CaptureDescription): Uint8Array {
  const body = new DataView(new ArrayBuffer(SECTION_BODY_BYTES));
  body.setUint32(0, BYTE_ORDER_MAGIC, true);
  body.setUint16(SECTION_MAJOR, PCAPNG_VERSION, true);
  body.setUint32(SECTION_LENGTH, UNKNOWN, true);
  body.setUint32(SECTION_LENGTH + WORD_BYTES, UNKNOWN, true);
  return block(BlockType.SECTION, new Uint8Array(body.buffer), [
    textOption(OptionCode.SECTION_OS, os),
    textOption(OptionCode.SECTION_APPLICATION, application),
    ...optional(OptionCode.COMMENT, comment),
  ]);
}

function interfaceBlock(about: CaptureDescription): Uint8Array {
  const body = new DataView(new ArrayBuffer(INTERFACE_BODY_BYTES));
  body.setUint16(0, LINKTYPE_RAW, true);
  body.setUint32(INTERFACE_SNAP_LENGTH, about.snapLength, true);
  const filter = about.filter === undefined ? undefined : `${FILTER_TEXT}${about.filter}`;
  return block(BlockType.INTERFACE, new Uint8Array(body.buffer), [
    textOption(OptionCode.INTERFACE_NAME, about.interfaceName),
    ...optional(OptionCode.INTERFACE_DESCRIPTION, about.interfaceDescription),
    ...(about.addresses ?? []).map(addressOption),
    { code: OptionCode.INTERFACE_RESOLUTION, value: Uint8Array.of(MICROSECONDS) },
    ...optional(OptionCode.INTERFACE_FILTER, filter),
    textOption(OptionCode.INTERFACE_OS, about.os),
  ]);
}

function optional(code: number, text: string | undefined): BlockOption[] {
  return text === undefined || text === '' ? [] : [textOption(code, text)];
}

/** IPv4: address and mask; IPv6: address and prefix length. */
function addressOption(text: string): BlockOption {
  const { family, address, length } = parsePrefix(text);
  if (family === 6) {
    return { code: OptionCode.INTERFACE_IPV6, value: Uint8Array.of(...address, length) };
  }
  const mask = Array.from({ length: IPV4_MASK_BYTES }, (_, i) => {
    const bits = Math.min(Math.max(length - i * BITS_PER_BYTE, 0), BITS_PER_BYTE);
    return (BYTE << (BITS_PER_BYTE - bits)) & BYTE;
  });
  return { code: OptionCode.INTERFACE_IPV4, value: Uint8Array.of(...address, ...mask) };
}

function timeValue(microseconds: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(2 * WORD_BYTES));
  setTime(view, 0, microseconds);
  return new Uint8Array(view.buffer);
}

/** Times are two words, the high one first, whatever the byte order. */
function setTime(view: DataView, at: number, microseconds: number): void {
  view.setUint32(at, Math.floor(microseconds / TWO_TO_32), true);
  view.setUint32(at + WORD_BYTES, microseconds % TWO_TO_32, true);
}
