/** What the main thread of the storm and its workers tell each other. */

import type { AdapterToken } from 'typetun';

export interface StormData {
  readonly from: AdapterToken;
  readonly to: AdapterToken;
  /** Words, see {@link StormWord}. */
  readonly words: SharedArrayBuffer;
  /** The word of this thread's command. */
  readonly command: number;
}

/** What main thread and workers share. */
export const StormWord = {
  /** Commands, one for each worker. */
  COMMAND: 0,
  /** What they are doing: the command that they have carried out. */
  DONE: 4,
  /** Packets out of order. */
  DISORDER: 8,
  /** Bundles looked for, one for each worker. */
  TURNS: 12,
} as const;

export const Command = { RUN: 0, STALL: 1, CLOSE: 2 } as const;
