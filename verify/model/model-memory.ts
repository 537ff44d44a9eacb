/**
 * The model host's memory. Words up to {@link LOGS} are used by the link as the kernel's would be, and
 * are under control; the rest is what the verifier writes down, with the real Atomics.
 */

/** Packets of one execution, at most. */
export const MAX_PACKETS = 16;
/** Participants of a scenario, at most. */
const MAX_PARTICIPANTS = 4;
/** Queues of the host, and flows, of each of which packets came to the queue of its number at first. */
const MAX_QUEUES = 2;

export const ModelWord = {
  /** Packets the host has sent into its first queue, and into its second, and nobody has taken. */
  PENDING: 0,
  PENDING_1: 8,
  /** Packets given to the host. */
  GIVEN: 1,
  /** 1 when a participant was woken: an eventfd. */
  EVENT: 2,
  /** Packets the host has sent that no bundle can hold. */
  UNUSABLE: 6,
  /** 1 when a packet is taken although it does not fit any more, as near the end of a buffer. */
  REMAINDER: 7,
  /** The queue that packets of a flow go to, where there are several: from here on one word a flow. */
  FLOW: 14,
} as const;

/** What the verifier writes down. */
export const LogWord = {
  /** Packets taken so far. */
  TAKEN: 16,
  /** Packets the host sent, ever: the number of the next one. */
  SENT: 17,
  /** 1 after the link was released. */
  RELEASED: 18,
  /** Pauses that completed, and that were begun. */
  PAUSES_COMPLETED: 19,
  PAUSES_BEGUN: 20,
  /** Reads begun, and completed with data, without, or by force. */
  READS_BEGUN: 21,
  READS_COMPLETED: 22,
  /** Packets in bundles that reads returned. */
  DELIVERED: 23,
  /** Packets of accepted writes that were reported as delivered. */
  WRITTEN: 24,
  /** Packets that a thread took and died with before it could put that down. */
  LOST_AT_DEATH: 25,
  /** Packets that threads have handed over and not counted yet. */
  COUNTING: 26,
  /** Shared holds of each participant that began during one exclusive hold. */
  HOLDS: 28,
  /** 1 for each participant that could take or give when it took the lock shared. */
  ACCEPTED: 10,
  /** Packets delivered so far, in the order in which reads returned. */
  CLOCK: 32,
  /** 1 when a handle was opened: flows may have changed threads with packets on their way. */
  OPENED: 33,
  /** Packets sent into, and taken from, each queue of the host. */
  TAILS: 34,
  HEADS: 36,
  /** For each packet: 1 + sequence under which it was delivered, 0 when it was not; its lane; when. */
  SEQUENCES: 48,
  LANES: 64,
  STAMPS: 80,
  /** For each packet: its flow. */
  FLOWS: 96,
  /** For each queue of the host: the numbers of its packets. */
  SLOTS: 112,
} as const;

const WORDS: number = LogWord.SLOTS + MAX_QUEUES * MAX_PACKETS;
const BYTES_PER_WORD = 4;

export function createModelMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS * BYTES_PER_WORD);
}

export function eventWord(participant: number): number {
  if (participant >= MAX_PARTICIPANTS) throw new RangeError(`participant ${participant}`);
  return ModelWord.EVENT + participant;
}

export function pendingWord(queue: number): number {
  return queue === 0 ? ModelWord.PENDING : ModelWord.PENDING_1;
}

/** The host puts its next packet, of that flow, into one of its queues. Not seen before it is pending. */
export function putIntoQueue(
  log: Int32Array,
  queue: number,
  flow: number,
  real: typeof Atomics,
): void {
  const number = real.add(log, LogWord.SENT, 1);
  real.store(log, LogWord.FLOWS + number, flow);
  const slot = real.add(log, LogWord.TAILS + queue, 1);
  real.store(log, LogWord.SLOTS + queue * MAX_PACKETS + slot, number);
}

/** The number of the next packet of a queue, which is taken. */
export function takeFromQueue(log: Int32Array, queue: number, real: typeof Atomics): number {
  const slot = real.add(log, LogWord.HEADS + queue, 1);
  return real.load(log, LogWord.SLOTS + queue * MAX_PACKETS + slot);
}
