/**
 * Every shared word of an adapter: read this first. An adapter's state, counters and packet queue
 * lie in one SharedArrayBuffer, cut up as
 *
 * ```
 * +--------------------+----------------------------+-------------------------------------+
 * | control words      | counter blocks, one for    | packet queue (packet-queue.ts):     |
 * | (Word)             | each participating thread  | header, descriptors, packet bytes   |
 * +--------------------+----------------------------+-------------------------------------+
 * ```
 *
 * Words are touched through `Atomics` only. A value read from here is checked before it is used as
 * an index. In this release one thread uses an adapter: the owner, which is participant 0.
 */

import { MAX_PARTICIPANTS } from '../limits.ts';

/** Bytes of one word. */
export const WORD_BYTES: number = Int32Array.BYTES_PER_ELEMENT;

/** Control words, by index. All are written by the owner and read by every participant. */
export const Word = {
  /** Position of the adapter's state in `ADAPTER_STATES` (adapter/state.ts). */
  STATE: 0,
  /** Position of the power state in `POWER_STATES`. */
  POWER: 1,
  /** 1 while media is connected: a handle is open. */
  MEDIA: 2,
  /** Open device handles. */
  OPEN_HANDLES: 3,
  /** Active transactions: queued packets, bundles being delivered, and one for Running itself. */
  ACTIVE: 4,
  /** Sequence number of the next packet given to a reader, low 32 bits. */
  SEQUENCE_LOW: 5,
  /** The same, high 21 bits. */
  SEQUENCE_HIGH: 6,
  /** Grows by one at each change a blocked thread must see (state, power, media, handles). */
  CHANGES: 7,
  /** Packet filter last set through OID_GEN_CURRENT_PACKET_FILTER. */
  PACKET_FILTER: 8,
  /** Lookahead last set through OID_GEN_CURRENT_LOOKAHEAD, in bytes. */
  LOOKAHEAD: 9,
} as const;

/** Words set aside for control: a power of two above the last index, so that blocks stay aligned. */
const CONTROL_WORDS = 32;

/** Counters, by index within a participant's block. Written by that participant alone. */
export const Counter = {
  OUT_OCTETS: 0,
  OUT_UNICAST_PACKETS: 1,
  OUT_UNICAST_OCTETS: 2,
  OUT_MULTICAST_PACKETS: 3,
  OUT_MULTICAST_OCTETS: 4,
  OUT_BROADCAST_PACKETS: 5,
  OUT_BROADCAST_OCTETS: 6,
  OUT_ERRORS: 7,
  OUT_DISCARDS: 8,
  IN_OCTETS: 9,
  IN_UNICAST_PACKETS: 10,
  IN_UNICAST_OCTETS: 11,
  IN_MULTICAST_PACKETS: 12,
  IN_MULTICAST_OCTETS: 13,
  IN_BROADCAST_PACKETS: 14,
  IN_BROADCAST_OCTETS: 15,
  IN_ERRORS: 16,
  IN_DISCARDS: 17,
  /** Packets taken from the host stack, whatever became of them. */
  TAKEN: 18,
  BUNDLES_READ: 19,
  BUNDLES_WRITTEN: 20,
  /** The largest number of packets in one bundle read: a maximum, not a sum. */
  LARGEST_BUNDLE: 21,
  DROP_PAUSED: 22,
  DROP_LOW_POWER: 23,
  DROP_NOT_OPEN: 24,
  DROP_QUEUE_FULL: 25,
  DROP_OVERSIZE: 26,
  DROP_UNREADABLE: 27,
  DROP_CLEARED: 28,
  RECEIVE_DROP_PAUSED: 29,
  RECEIVE_DROP_LOW_POWER: 30,
  RECEIVE_DROP_NOT_OPEN: 31,
} as const;

export type Counter = (typeof Counter)[keyof typeof Counter];

/** Counters in a block. */
export const COUNTERS: number = Object.keys(Counter).length;

/** A counter is 64 bits wide: a low and a high word. */
export const WORDS_PER_COUNTER = 2;

/** Index of the first counter word. */
export const COUNTERS_START: number = CONTROL_WORDS;

/** Byte offset at which the packet queue begins. */
export const QUEUE_START_BYTES: number =
  (CONTROL_WORDS + MAX_PARTICIPANTS * COUNTERS * WORDS_PER_COUNTER) * WORD_BYTES;

/** Index of the low word of `counter` in the block of `participant`. */
export function counterIndex(participant: number, counter: Counter): number {
  return COUNTERS_START + (participant * COUNTERS + counter) * WORDS_PER_COUNTER;
}
