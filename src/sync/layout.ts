/**
 * Every shared word of an adapter: read this first. An adapter's state, locks, counters and packet
 * queue lie in one SharedArrayBuffer, cut up as
 *
 * ```
 * +---------+--------------+-------------------+----------------+---------------------------------+
 * | control | lane blocks, | participant       | counter        | packet queues, one for each     |
 * | words   | one for each | blocks, one for   | blocks, one    | lane there is (packet-queue.ts: |
 * | (Word)  | (LaneWord)   | each thread       | for each       | header, descriptors, packet     |
 * |         |              | (ParticipantWord) | (Counter)      | bytes)                          |
 * +---------+--------------+-------------------+----------------+---------------------------------+
 * ```
 *
 * A *participant* is a thread that uses the adapter; number 0 is the one that created it, its owner.
 * A *lane* is a hardware queue of the device and what belongs to it (lane.ts); most adapters have one.
 * Words are touched through `Atomics` only. A value read from here is checked before it is used as
 * an index. A drawing with the life of each word is in docs/shared-memory.md.
 */

import { MAX_PARTICIPANTS, MAX_QUEUES } from '../limits.ts';

/** Bytes of one word. */
export const WORD_BYTES: number = Int32Array.BYTES_PER_ELEMENT;

/** Words of a cache line: words that different threads write often lie that far apart. */
const LINE_WORDS = 16;

/** The participant number of the thread that created the adapter. */
export const OWNER = 0;

/** Control words, by index. Groups that different threads write often lie on lines of their own. */
export const Word = {
  /**
   * The adapter's state and a generation that grows with each transition (adapter/state-word.ts).
   * Changed by compare-exchange; all but Pausing -> Paused under {@link Word.CONTROL}.
   */
  STATE: 0,
  /** Position of the power state in `POWER_STATES`. Written under CONTROL. */
  POWER: 1,
  /** 1 while media is connected: a handle is open. Written under CONTROL. */
  MEDIA: 2,
  /** 1 once somebody waits until nobody is inside any more (rundown.ts). Never 0 again. */
  RUNDOWN: 7,
  /** Packet filter last set through OID_GEN_CURRENT_PACKET_FILTER. */
  PACKET_FILTER: 3,
  /** Lookahead last set through OID_GEN_CURRENT_LOOKAHEAD, in bytes. */
  LOOKAHEAD: 4,
  /** 1 when the host has removed the device under the adapter. */
  REMOVED: 6,
  /** Participant blocks ever used: numbers from 0 up to this, exclusive. Only grows. */
  PARTICIPANTS: 5,
  /** Grows by one at each change a waiting thread must see (wake.ts). */
  CHANGES: 16,
  /** TransitionLock (transition-lock.ts): participant number + 1 of the exclusive holder, or 0. */
  TRANSITION: 32,
  /** Mutex: control calls of all threads, one at a time. */
  CONTROL: 33,
} as const;

/** Words set aside for control. */
const CONTROL_WORDS: number = 3 * LINE_WORDS;

/** Words of one lane, by index within its block. */
export const LaneWord = {
  /** Mutex (mutex.ts): taking from the link and from the queue, filling it, numbering. */
  TAKE: 0,
  /** Sequence number of the next packet given to a reader, low 32 bits. Written under TAKE. */
  SEQUENCE_LOW: 1,
  /** The same, high 21 bits. */
  SEQUENCE_HIGH: 2,
  /** What the holder of TAKE is about to move between the queue and its hand (journal.ts). */
  JOURNAL_KIND: 3,
  /** HEAD or TAIL of the queue before the move. */
  JOURNAL_AT: 4,
  /** Packets in its hand before the move, and after it. */
  JOURNAL_BEFORE: 5,
  JOURNAL_AFTER: 6,
  /**
   * One bit for each hardware queue that is taken from for this lane: its own, and those of lanes that
   * nobody reads (adapter/steering.ts). Written under CONTROL and TAKE.
   */
  SOURCES: 7,
} as const;

/** Words of one lane block: a cache line of its own. */
const LANE_WORDS: number = LINE_WORDS;

/** Index of the first participant's block. */
const PARTICIPANTS_START: number = CONTROL_WORDS + MAX_QUEUES * LANE_WORDS;

/** Words of one participant, by index within its block. Written by that thread unless it says more. */
export const ParticipantWord = {
  /** A value of {@link Claim}. Changed by compare-exchange, by anybody. */
  CLAIM: 0,
  /** The operating system's number of the thread; 0 when unknown. Set before CLAIM is ATTACHED. */
  THREAD: 1,
  /** When that thread was started, in the system's own unit: numbers are used again. */
  BORN: 2,
  /** 1 while this thread holds the TransitionLock shared. */
  LOCK: 3,
  /** Operations of this thread inside the adapter (rundown.ts). */
  INSIDE: 4,
  /** Device handles this thread has open. Set to 0 by whoever closes them by force, under CONTROL. */
  HANDLES: 5,
  /**
   * Packets this thread has taken from the host or the queue and not handed over or dropped yet;
   * negative while a bundle that was handed over is being counted (hand.ts).
   */
  HAND: 6,
  /** 1 while this thread delivers a bundle to the host. */
  DELIVERING: 7,
  /** 1 while this thread is, or is about to be, parked; set to 0 by whoever wakes it. */
  PARKED: 8,
  /** 1 while this thread's event loop wants to be told of changes; set to 0 by whoever tells it. */
  ASLEEP: 9,
  /** Reads that wait in this thread. */
  WAITING: 10,
  /** 1 + the counter whose low word is wrapping (counters.ts); 0 nearly always. */
  WRAPPING: 11,
  /** The lane this thread uses. Written by the owner while CLAIM is OFFERED. */
  LANE: 12,
} as const;

/** Words of one participant block: a cache line of its own. */
const PARTICIPANT_WORDS: number = LINE_WORDS;

/** What a participant block is used for. */
export const Claim = {
  FREE: 0,
  /** A token for it is on its way to a thread. */
  OFFERED: 1,
  /** A thread uses it. */
  ATTACHED: 2,
  /** Its thread is gone and somebody is cleaning up after it. */
  REAPING: 3,
} as const;

/** Which word of the queue shows that a journalled move was made. */
export const JournalKind = { NONE: 0, HEAD: 1, TAIL: 2 } as const;

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
  BUNDLES_READ: 18,
  BUNDLES_WRITTEN: 19,
  /** The largest number of packets in one bundle read: a maximum, not a sum. */
  LARGEST_BUNDLE: 20,
  DROP_PAUSED: 21,
  DROP_LOW_POWER: 22,
  DROP_NOT_OPEN: 23,
  DROP_QUEUE_FULL: 24,
  DROP_OVERSIZE: 25,
  DROP_UNREADABLE: 26,
  DROP_CLEARED: 27,
  /** In the hands of a thread that died. */
  DROP_ABANDONED: 28,
  /** Withdrawn by the host stack. */
  DROP_CANCELLED: 29,
  RECEIVE_DROP_PAUSED: 30,
  RECEIVE_DROP_LOW_POWER: 31,
  RECEIVE_DROP_NOT_OPEN: 32,
  /** Bundles read, by the packets in them: up to 1, up to 2, ... (adapter/histograms.ts). */
  BUNDLE_SIZE_1: 33,
  BUNDLE_SIZE_2: 34,
  BUNDLE_SIZE_4: 35,
  BUNDLE_SIZE_8: 36,
  BUNDLE_SIZE_16: 37,
  BUNDLE_SIZE_32: 38,
  BUNDLE_SIZE_64: 39,
  BUNDLE_SIZE_128: 40,
  BUNDLE_SIZE_256: 41,
  /** Reads that had to wait, by how long: up to 10 us, up to 100 us, ... */
  READ_WAIT_10US: 42,
  READ_WAIT_100US: 43,
  READ_WAIT_1MS: 44,
  READ_WAIT_10MS: 45,
  READ_WAIT_100MS: 46,
  READ_WAIT_1S: 47,
  READ_WAIT_10S: 48,
  READ_WAIT_LONGER: 49,
  /** How long all of them waited, in microseconds. */
  READ_WAIT_MICROSECONDS: 50,
} as const;

export type Counter = (typeof Counter)[keyof typeof Counter];

/** Counters in a block. */
export const COUNTERS: number = Object.keys(Counter).length;

/** A counter is 64 bits wide: a low and a high word. */
export const WORDS_PER_COUNTER = 2;

/** Words of one counter block, rounded up to whole cache lines. */
const COUNTER_WORDS: number = Math.ceil((COUNTERS * WORDS_PER_COUNTER) / LINE_WORDS) * LINE_WORDS;

/** Index of the first counter word. */
export const COUNTERS_START: number = PARTICIPANTS_START + MAX_PARTICIPANTS * PARTICIPANT_WORDS;

/** Byte offset at which the packet queues begin. */
export const QUEUE_START_BYTES: number =
  (COUNTERS_START + MAX_PARTICIPANTS * COUNTER_WORDS) * WORD_BYTES;

/** Index of `word` (a value of {@link LaneWord}) in the block of `lane`. */
export function laneIndex(lane: number, word: number): number {
  return CONTROL_WORDS + lane * LANE_WORDS + word;
}

/** Index of `word` (a value of {@link ParticipantWord}) in the block of `participant`. */
export function participantIndex(participant: number, word: number): number {
  return PARTICIPANTS_START + participant * PARTICIPANT_WORDS + word;
}

/** Index of the low word of `counter` in the block of `participant`. */
export function counterIndex(participant: number, counter: Counter): number {
  return COUNTERS_START + participant * COUNTER_WORDS + counter * WORDS_PER_COUNTER;
}
