/**
 * The verifier's own shared memory: what the threads of one execution, and the controller that made
 * the schedule, tell each other. Never seen by the code under test, and not a scheduling point.
 *
 * Only one thread of an execution runs at a time; whoever hands over writes first and notifies then,
 * so plain reads of these words are ordered.
 */

/** Threads of a scenario, at most. */
export const MAX_THREADS = 4;
/** Steps of one execution; one that needs more does not end. */
export const MAX_STEPS = 4000;
/** Accesses of one step: a `blockUntil` reads several words. */
export const MAX_ACCESSES = 3;
/** Bytes for the message of a violation, and for notes. */
const TEXT_BYTES = 4096;

/** Words by index. */
export const Board = {
  /** Grows with each execution: threads wait for it. Negative: end. */
  EXECUTION: 0,
  /** Threads that have come to their first operation, or ended without one. */
  ARRIVED: 1,
  /** 1 when the execution is over. */
  DONE: 2,
  THREADS: 3,
  /** Choices that are prescribed. */
  PREFIX_LENGTH: 4,
  /** Steps made. */
  STEPS: 5,
  /** Thread of the last step, -1 before the first. */
  CURRENT: 6,
  /** Milliseconds of virtual time. */
  TIME: 7,
  /** Timeouts that may still come early. */
  EARLY_TIMEOUTS: 8,
  /** The thread that dies, -1 for none, and before which of its operations. */
  DIES: 9,
  DIES_AT: 10,
  /** 1 when it has. */
  DIED: 11,
  /** An {@link Outcome}. */
  OUTCOME: 12,
  /** Bit set of rules whose premise arose. */
  PREMISES: 13,
  /** Rule violated + 1, 0 for none. */
  VIOLATION: 14,
  /** Bytes of the violation's message. */
  MESSAGE_LENGTH: 15,
  /** 1 when threads are to record where each operation comes from. */
  STACKS: 16,
  /** Seed of the random choices beyond the prefix, 0 for none. */
  RANDOM: 17,
  /** Thread that timed out last at quiescence: the next one is tried first. */
  LAST_TIMEOUT: 18,
  /** Sleepers so far: their order. */
  SLEEPERS: 19,
  /** Threads that are done with the execution and touch nothing of it any more. */
  LEFT: 20,
} as const;

export const Outcome = { RUNNING: 0, ENDED: 1, DEADLOCK: 2, ENDLESS: 3 } as const;

/** Words of one thread. */
export const ThreadWord = {
  /** A {@link Status}. */
  STATUS: 0,
  /** 1 when it may run. */
  GO: 1,
  KIND: 2,
  ACCESSES: 3,
  /** Location (see {@link locationOf}) and 1 for a write, for each access. */
  ACCESS: 4,
  /** For a sleeper: place in the order of sleepers. */
  ORDER: 10,
  /** For a sleeper: ms until it wakes by itself, -1 for never. */
  TIMEOUT: 11,
  /** For a sleeper: step + 1 of the notify that woke it, 0 while it sleeps. */
  WOKEN_BY: 12,
  /** Operations so far. */
  OPERATIONS: 13,
  /** For a `blockUntil`: the value that each of its words is not to have. */
  NOT: 14,
} as const;

const THREAD_WORDS = 20;

export const Status = { IDLE: 0, READY: 1, ASLEEP: 2, POLLING: 3, ENDED: 4 } as const;

/** What an operation is, for printing. */
export const Kind = {
  LOAD: 0,
  STORE: 1,
  UPDATE: 2,
  NOTIFY: 3,
  WAIT: 4,
  WAKE: 5,
  TIMEOUT: 6,
  POLL: 7,
  DIE: 8,
} as const;

export const KIND_NAMES: readonly string[] = Object.keys(Kind).map((name) => name.toLowerCase());

/** Words of one step of the trace. */
export const StepWord = {
  THREAD: 0,
  KIND: 1,
  /** Bit set of the threads that could have run. */
  ENABLED: 2,
  ACCESSES: 3,
  ACCESS: 4,
  /** For a wake: step + 1 of its notify. For a notify: bit set of sleepers it woke that had a timeout. */
  CAUSE: 10,
  /** Whether the thread before could have gone on. */
  COULD_GO_ON: 11,
} as const;

const STEP_WORDS = 12;

const THREADS_START = 32;
const PREFIX_START: number = THREADS_START + MAX_THREADS * THREAD_WORDS;
const STEPS_START: number = PREFIX_START + MAX_STEPS;
const TEXT_START: number = STEPS_START + MAX_STEPS * STEP_WORDS;
const BYTES_PER_WORD = 4;

export function createBoard(): SharedArrayBuffer {
  return new SharedArrayBuffer(TEXT_START * BYTES_PER_WORD + TEXT_BYTES);
}

export function wordsOf(board: SharedArrayBuffer): Int32Array {
  return new Int32Array(board, 0, TEXT_START);
}

export function textOf(board: SharedArrayBuffer): Uint8Array {
  return new Uint8Array(board, TEXT_START * BYTES_PER_WORD);
}

export function threadIndex(thread: number, word: number): number {
  return THREADS_START + thread * THREAD_WORDS + word;
}

export function prefixIndex(step: number): number {
  return PREFIX_START + step;
}

export function stepIndex(step: number, word: number): number {
  return STEPS_START + step * STEP_WORDS + word;
}

/** Locations of one memory: a word, and the queue of those who wait on it, are two. */
const LOCATIONS_PER_MEMORY: number = 2 ** 26;

/** A word of a registered memory as one number. */
export function locationOf(memory: number, index: number): number {
  return memory * LOCATIONS_PER_MEMORY + index * 2;
}

/** The queue of threads that wait on a word. */
export function queueOf(location: number): number {
  return location + 1;
}

/** The memory and word of a location. */
export function wordOf(location: number): { memory: number; index: number; queue: boolean } {
  return {
    memory: Math.floor(location / LOCATIONS_PER_MEMORY),
    index: Math.floor((location % LOCATIONS_PER_MEMORY) / 2),
    queue: location % 2 === 1,
  };
}
