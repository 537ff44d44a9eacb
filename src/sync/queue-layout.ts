/** The words of a packet queue (packet-queue.ts), and how much memory one takes. */

import { MAX_ENTRY_BYTES } from '../limits.ts';
import { WORD_BYTES } from './layout.ts';

/** Words of the header, by index. */
export const QueueWord = {
  /** Number of the oldest packet; its descriptor is the one of that number modulo their count. */
  HEAD: 0,
  /** Number of the packet to come. */
  TAIL: 1,
  /** Entry bytes queued. */
  BYTES: 2,
  /** Bytes of the byte ring in use; grows with the bound, never shrinks. */
  RING_BYTES: 3,
  /** The byte bound. */
  MAX_BYTES: 4,
} as const;

/** Words in front of the descriptors. */
export const HEADER_WORDS = 8;

/** Words of a descriptor. */
export const DescriptorWord = { OFFSET: 0, LENGTH: 1, CANCEL_ID: 2 } as const;
/** A descriptor has 4 words. */
export const DESCRIPTOR_SHIFT = 2;
const WORDS_PER_DESCRIPTOR: number = 1 << DESCRIPTOR_SHIFT;

/** Set in a descriptor's length: the host stack has withdrawn the packet. */
export const CANCELLED: number = 1 << 31;

/** The cancel id of a packet that cannot be withdrawn. */
export const NO_CANCEL_ID = 0;

/**
 * Bytes the byte ring needs beyond the bound: one entry for the gap at its end, one for a packet
 * put back at the head of a full queue.
 */
export const RING_SLACK_BYTES: number = 2 * MAX_ENTRY_BYTES;

/** Descriptors for `maxPackets`: a power of two, so that packet numbers may wrap around. */
export function descriptorCount(maxPackets: number): number {
  return 2 ** Math.ceil(Math.log2(maxPackets));
}

/** Bytes in front of the byte ring. */
export function dataStart(maxPackets: number): number {
  return (HEADER_WORDS + descriptorCount(maxPackets) * WORDS_PER_DESCRIPTOR) * WORD_BYTES;
}

/** Bytes of shared memory a queue of at most `maxPackets` packets and `maxBytes` bytes takes. */
export function packetQueueBytes(maxPackets: number, maxBytes: number): number {
  return dataStart(maxPackets) + maxBytes + RING_SLACK_BYTES;
}

/**
 * From this size on the C library takes memory straight from the system (glibc,
 * DEFAULT_MMAP_THRESHOLD_MAX). Smaller blocks it may take from its heap, and then zeroes, page by
 * page, what would have cost nothing.
 */
const UNTOUCHED_IS_FREE_BYTES: number = 2 ** 25 + 2 ** 16;

/** Makes memory for one queue. Pages that are never touched cost nothing. */
export function createPacketQueueMemory(maxPackets: number, maxBytes: number): SharedArrayBuffer {
  const bytes = packetQueueBytes(maxPackets, maxBytes);
  return new SharedArrayBuffer(Math.max(bytes, UNTOUCHED_IS_FREE_BYTES));
}
