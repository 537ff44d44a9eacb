/**
 * The model host's memory. Words up to {@link LOGS} are used by the link as the kernel's would be, and
 * are under control; the rest is what the verifier writes down, with the real Atomics.
 */

/** Packets of one execution, at most. */
export const MAX_PACKETS = 16;
/** Participants of a scenario, at most. */
const MAX_PARTICIPANTS = 4;

export const ModelWord = {
  /** Packets the host has sent and nobody has taken. */
  PENDING: 0,
  /** Packets given to the host. */
  GIVEN: 1,
  /** 1 when a participant was woken: an eventfd. */
  EVENT: 2,
  /** Packets the host has sent that no bundle can hold. */
  UNUSABLE: 6,
  /** 1 when a packet is taken although it does not fit any more, as near the end of a buffer. */
  REMAINDER: 7,
} as const;

/** What the verifier writes down. */
export const LogWord = {
  /** Packets taken so far: the number of the next one. */
  TAKEN: 16,
  /** Packets the host sent, ever. */
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
  /** For each packet: 1 + sequence under which it was delivered, 0 when it was not. */
  SEQUENCES: 32,
} as const;

const WORDS: number = LogWord.SEQUENCES + MAX_PACKETS;
const BYTES_PER_WORD = 4;

export function createModelMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS * BYTES_PER_WORD);
}

export function eventWord(participant: number): number {
  if (participant >= MAX_PARTICIPANTS) throw new RangeError(`participant ${participant}`);
  return ModelWord.EVENT + participant;
}
