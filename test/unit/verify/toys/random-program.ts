/** A small program made from a number (in the environment): each thread's operations on two words. */

import type { Scenario } from '../../../../verify/engine/scenario.ts';

export type Operation = readonly ['load' | 'store' | 'add', index: number, value: number];

const THREADS = 3;
const OPERATIONS = 3;

/** The operations of each thread for a seed: a linear congruential generator decides. */
export function programFor(seed: number): Operation[][] {
  let state = seed * 2_654_435_761;
  const next = (most: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % most;
  };
  const names = ['load', 'store', 'add'] as const;
  return Array.from({ length: THREADS }, (_, thread) =>
    Array.from(
      { length: OPERATIONS },
      (): Operation => [names[next(3)]!, next(2), thread * 4 + next(4)],
    ),
  );
}

const program = programFor(Number(process.env['TYPETUN_TOY_SEED'] ?? 1));

export const scenario: Scenario = {
  name: 'random program',
  about: 'three threads, three operations each, on two words',
  threads: THREADS,
  bound: 2,
  memories: () => [new SharedArrayBuffer(64)],
  setup: ([memory]) => void new Int32Array(memory!).fill(0),
  thread: ([memory], n) => {
    const words = new Int32Array(memory!);
    return () => {
      // What a thread loaded shows in the end, in a word of its own.
      for (const [operation, index, value] of program[n]!) {
        if (operation === 'load') words[8 + n] = words[8 + n]! * 31 + Atomics.load(words, index);
        else Atomics[operation](words, index, value);
      }
    };
  },
  check: () => undefined,
};
