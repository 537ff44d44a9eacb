/**
 * The exchange bundle: up to 256 packets one after the other, the one shape of data from the
 * operating system's edge to the program.
 *
 * ```
 *  0               4                              16                16+size
 * +---------------+------------------------------+-----------------+------------------+
 * | size, 4 bytes | padding, 12 bytes, all zero  | packet          | padding to the   |
 * | native endian |                              | size bytes      | next 16, all zero|
 * +---------------+------------------------------+-----------------+------------------+
 * ```
 *
 * Every entry starts at a multiple of 16 from the start of the bundle.
 *
 * The padding after a packet. The original's README prints `16-(size&15)` bytes, which for a size
 * that is a multiple of 16 is a whole block of 16; its driver, and every program written for it,
 * pads `(16-(size&15))&15`, which is none. We write the driver's form and read both: a packet is
 * never 0 bytes long, so an all-zero block of 16 after such an entry can only be the README's
 * padding. Exactly one is skipped; a second is an error.
 *
 * Source: docs/driver-contract.md, section 1.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import {
  ENTRY_HEADER_BYTES,
  entryBytes,
  MAX_BUNDLE_BYTES,
  MAX_BUNDLE_PACKETS,
  MAX_PACKET_BYTES,
  MIN_IPV4_BYTES,
  MIN_IPV6_BYTES,
  MIN_WRITE_BYTES,
  SIZE_WORD_BYTES,
} from '../limits.ts';
import { readUint16 } from './uint16.ts';

/** Whether this host stores the least significant byte first: the "native endian" of size words. */
export const HOST_LITTLE_ENDIAN: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

const VERSION_SHIFT = 4;
const IPV4_VERSION = 4;
const IPV6_VERSION = 6;
/** Where an IPv4 header says the packet's length (RFC 791, section 3.1), and an IPv6 header that of its payload (RFC 8200, section 3). */
const IPV4_TOTAL_LENGTH = 2;
const IPV6_PAYLOAD_LENGTH = 4;
const BARE_PACKET = ' (is it a bare packet? BundleWriter makes bundles)';

/**
 * Where the packets of one validated bundle lie. Filled by {@link indexBundle}; private memory of
 * the thread that validates, so that a writer who shares the bundle's memory cannot change a size
 * between the check and the use.
 */
export interface BundleIndex {
  /** Packets, 0 to 256. */
  count: number;
  /** Offset of each packet's first byte (not of its entry) from the start of the bundle. */
  readonly offsets: Uint32Array;
  /** Length of each packet in bytes. */
  readonly lengths: Uint32Array;
}

/** Makes an empty index. Reuse it: this is the only allocation. */
export function createBundleIndex(): BundleIndex {
  return {
    count: 0,
    offsets: new Uint32Array(MAX_BUNDLE_PACKETS),
    lengths: new Uint32Array(MAX_BUNDLE_PACKETS),
  };
}

/** Reads the size word at `offset`, each byte once. The caller has checked the length. */
export function readSizeWord(bytes: Uint8Array, offset: number, littleEndian: boolean): number {
  const b0 = bytes[offset]!;
  const b1 = bytes[offset + 1]!;
  const b2 = bytes[offset + 2]!;
  const b3 = bytes[offset + 3]!;
  return littleEndian
    ? (b0 | (b1 << 8) | (b2 << 16) | (b3 << 24)) >>> 0
    : (b3 | (b2 << 8) | (b1 << 16) | (b0 << 24)) >>> 0;
}

/** Writes an entry header (size word and zero padding) at `offset`. The caller has checked the room. */
export function writeEntryHeader(
  bytes: Uint8Array,
  offset: number,
  size: number,
  littleEndian: boolean = HOST_LITTLE_ENDIAN,
): void {
  writeSizeWord(bytes, offset, size, littleEndian);
  for (let i = SIZE_WORD_BYTES; i < ENTRY_HEADER_BYTES; i++) bytes[offset + i] = 0;
}

/** Writes a size word at `offset`. The caller has checked the room. */
export function writeSizeWord(
  bytes: Uint8Array,
  offset: number,
  size: number,
  littleEndian: boolean = HOST_LITTLE_ENDIAN,
): void {
  if (littleEndian) {
    bytes[offset] = size;
    bytes[offset + 1] = size >>> 8;
    bytes[offset + 2] = size >>> 16;
    bytes[offset + 3] = size >>> 24;
  } else {
    bytes[offset] = size >>> 24;
    bytes[offset + 1] = size >>> 16;
    bytes[offset + 2] = size >>> 8;
    bytes[offset + 3] = size;
  }
}

/**
 * Zeroes the padding behind the packet of `size` bytes whose entry starts at `offset`, and returns
 * the offset of the next entry. The caller has checked the room.
 */
export function writeEntryTail(bytes: Uint8Array, offset: number, size: number): number {
  const end = offset + entryBytes(size);
  for (let i = offset + ENTRY_HEADER_BYTES + size; i < end; i++) bytes[i] = 0;
  return end;
}

/**
 * Tells whether `length` bytes with this first byte can be a packet: 20 bytes and version 4, or 40
 * and version 6, and not over the limit. This is the whole test the driver makes; a packet's own
 * header fields are the host's business.
 */
export function isPacket(firstByte: number, length: number): boolean {
  const version = firstByte >>> VERSION_SHIFT;
  return (
    length <= MAX_PACKET_BYTES &&
    ((version === IPV4_VERSION && length >= MIN_IPV4_BYTES) ||
      (version === IPV6_VERSION && length >= MIN_IPV6_BYTES))
  );
}

/**
 * Whether the padding between size word and packet is right, of the packet of `size` bytes at
 * `packet`. Allocates nothing.
 */
export type PaddingRule = (bytes: Uint8Array, packet: number, size: number) => boolean;

const isZero: PaddingRule = (bytes, packet) =>
  nonZero(bytes, packet - ENTRY_HEADER_BYTES + SIZE_WORD_BYTES, packet) < 0;

/**
 * Validates the first `length` bytes of `bytes` as one bundle and fills `index`. Allocates nothing
 * unless it throws. Every size word is read once. On an error `index.count` is 0. `isPadding` is for
 * bundles with something in the padding behind the size words.
 *
 * @throws TunError `BUNDLE_INVALID` naming the entry, its offset, and what was wrong.
 */
export function indexBundle(
  bytes: Uint8Array,
  length: number,
  index: BundleIndex,
  littleEndian: boolean = HOST_LITTLE_ENDIAN,
  isPadding: PaddingRule = isZero,
): void {
  index.count = 0;
  if (length > bytes.length) {
    throw invalid(0, `its length ${length} exceeds the ${bytes.length} bytes of its buffer`);
  }
  // Written so that NaN, which compares as false with everything, is refused too.
  if (!(length >= MIN_WRITE_BYTES)) {
    throw invalid(
      0,
      `it is ${length} bytes long; the shortest holds one entry header of 16 bytes${BARE_PACKET}`,
    );
  }
  if (length > MAX_BUNDLE_BYTES) {
    throw invalid(0, `it is ${length} bytes long; at most ${MAX_BUNDLE_BYTES} are taken at once`);
  }
  let count = 0;
  let offset = 0;
  while (offset < length) {
    offset = indexEntry(bytes, offset, length, index, count, littleEndian, isPadding);
    count++;
  }
  index.count = count;
}

/** Validates the entry at `offset`, records it as packet `count`, returns the next entry's offset. */
function indexEntry(
  bytes: Uint8Array,
  offset: number,
  end: number,
  index: BundleIndex,
  count: number,
  littleEndian: boolean,
  isPadding: PaddingRule,
): number {
  if (end - offset < ENTRY_HEADER_BYTES) {
    throw invalid(
      count,
      `entry ${count} at offset ${offset} is truncated: ${end - offset} bytes are left, an entry header takes 16`,
    );
  }
  const size = readSizeWord(bytes, offset, littleEndian);
  if (size === 0 || size > MAX_PACKET_BYTES) throw badSize(bytes, end, count, offset, size);
  if (count >= MAX_BUNDLE_PACKETS) {
    throw invalid(count, `it has more than ${MAX_BUNDLE_PACKETS} packets; split it in two`);
  }
  const packet = offset + ENTRY_HEADER_BYTES;
  const next = offset + entryBytes(size);
  if (next > end) throw pastEnd(bytes, count, offset, size, end);
  if (!isPadding(bytes, packet, size)) throw badPadding(bytes, end, count, offset, isPadding);
  if (!isPacket(bytes[packet]!, size)) throw notAPacket(count, offset, size, bytes[packet]!);
  const tail = nonZero(bytes, packet + size, next);
  if (tail >= 0) {
    throw invalid(
      count,
      `entry ${count} has the byte 0x${bytes[tail]!.toString(16)} at offset ${tail} in the padding behind its packet; it must be zero`,
    );
  }
  index.offsets[count] = packet;
  index.lengths[count] = size;
  return skipReadmePadding(bytes, next, end, size);
}

/** Skips the one all-zero block that README-style padding leaves behind a multiple of 16. */
export function skipReadmePadding(
  bytes: Uint8Array,
  next: number,
  end: number,
  size: number,
): number {
  const block = next + ENTRY_HEADER_BYTES;
  if (size % ENTRY_HEADER_BYTES !== 0 || block > end) return next;
  return nonZero(bytes, next, block) < 0 ? block : next;
}

/** Offset of the first byte in [from, to) that is not zero, or -1. */
function nonZero(bytes: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return i;
  return -1;
}

function invalid(packetIndex: number, what: string): TunError {
  return new TunError(TunErrorCode.BUNDLE_INVALID, `bundle refused, nothing delivered: ${what}`, {
    packetIndex,
  });
}

/**
 * The question to ask when the first entry is refused and the bytes look like a packet without a
 * bundle around it: its header says just this length, or, where `anyLength` will do, nothing right.
 */
function bareHint(bytes: Uint8Array, length: number, count: number, anyLength = false): string {
  const first = bytes[0]!;
  if (count > 0 || !isPacket(first, length)) return '';
  const declared =
    first >>> VERSION_SHIFT === IPV4_VERSION
      ? readUint16(bytes, IPV4_TOTAL_LENGTH)
      : MIN_IPV6_BYTES + readUint16(bytes, IPV6_PAYLOAD_LENGTH);
  return anyLength || declared === length ? BARE_PACKET : '';
}

function badPadding(
  bytes: Uint8Array,
  end: number,
  count: number,
  offset: number,
  isPadding: PaddingRule,
): TunError {
  if (isPadding !== isZero) {
    return invalid(
      count,
      `entry ${count} at offset ${offset} has a virtio-net header in its padding that does not go with its packet: a length or offset in it lies outside, or it is of a kind there is not${bareHint(bytes, end, count)}`,
    );
  }
  const padded = nonZero(bytes, offset + SIZE_WORD_BYTES, offset + ENTRY_HEADER_BYTES);
  return invalid(
    count,
    `entry ${count} has the byte 0x${bytes[padded]!.toString(16)} at offset ${padded} in the padding behind its size word; it must be zero${bareHint(bytes, end, count)}`,
  );
}

function badSize(
  bytes: Uint8Array,
  end: number,
  count: number,
  offset: number,
  size: number,
): TunError {
  const hint = bareHint(bytes, end, count) || " (is the size word in this host's byte order?)";
  return invalid(
    count,
    size === 0
      ? `entry ${count} at offset ${offset} has size 0; leave the entry out`
      : `entry ${count} at offset ${offset} has size ${size}; a packet is at most ${MAX_PACKET_BYTES} bytes${hint}`,
  );
}

function pastEnd(
  bytes: Uint8Array,
  count: number,
  offset: number,
  size: number,
  end: number,
): TunError {
  const present = end - offset - ENTRY_HEADER_BYTES;
  return invalid(
    count,
    present < size
      ? `entry ${count} at offset ${offset} says ${size} bytes and runs past the end: ${present} are left${bareHint(bytes, end, count, true)}`
      : `entry ${count} at offset ${offset} lacks ${offset + entryBytes(size) - end} of the zero bytes that pad its packet of ${size} to a multiple of 16`,
  );
}

function notAPacket(count: number, offset: number, size: number, first: number): TunError {
  return invalid(
    count,
    `entry ${count} at offset ${offset} is no IPv4 packet of 20 bytes or more and no IPv6 packet of 40 or more: it has version nibble ${first >>> VERSION_SHIFT} and ${size} bytes`,
  );
}
