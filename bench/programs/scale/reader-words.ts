/** The words in shared memory by which `readers.ts` tells its threads what to do. */

export const ReaderWord = {
  /** Goes up by one for each thing to do; written by the main thread. */
  TURN: 0,
  /** A {@link Mode}; written by the main thread. */
  MODE: 1,
  /** Threads that have done it; they count it up. */
  DONE: 2,
  /** Packets that they read; they add to it. */
  PACKETS: 3,
} as const;

/** Bytes of all. */
export const READER_BYTES: number = 4 * Int32Array.BYTES_PER_ELEMENT;

export const Mode = {
  /** Read all there is. */
  DRAIN: 0,
  /** Read what comes, until the mode is another. */
  LIVE: 1,
  /** Be done with reading live. */
  STOP: 2,
} as const;
