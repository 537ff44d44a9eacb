/** A mutex of compare-exchange, wait and notify that two threads use once each. Correct. */

import type { Scenario } from '../../../../verify/engine/scenario.ts';

function viewOf(memories: readonly SharedArrayBuffer[]): Int32Array {
  return new Int32Array(memories[0]!);
}

export const scenario: Scenario = {
  name: 'mutex',
  about: 'two threads add 1 under a mutex',
  threads: 2,
  bound: 3,
  memories: () => [new SharedArrayBuffer(64)],
  setup: (memories) => void viewOf(memories).fill(0),
  thread: (memories) => {
    const words = viewOf(memories);
    return () => {
      while (Atomics.compareExchange(words, 0, 0, 1) !== 0) Atomics.wait(words, 0, 1);
      const value = Atomics.load(words, 1);
      Atomics.store(words, 1, value + 1);
      Atomics.store(words, 0, 0);
      Atomics.notify(words, 0);
    };
  },
  check: (memories, env) => {
    env.premise('sum');
    if (viewOf(memories)[1] !== 2) env.violated('sum', `the sum is ${viewOf(memories)[1]}`);
  },
};
