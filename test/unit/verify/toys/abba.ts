/** Two mutexes that two threads take in different orders. */

import type { Scenario } from '../../../../verify/engine/scenario.ts';

function take(words: Int32Array, index: number): void {
  while (Atomics.compareExchange(words, index, 0, 1) !== 0) Atomics.wait(words, index, 1);
}

function give(words: Int32Array, index: number): void {
  Atomics.store(words, index, 0);
  Atomics.notify(words, index);
}

export const scenario: Scenario = {
  name: 'abba',
  about: 'two mutexes in two orders',
  threads: 2,
  bound: 2,
  stuck: () => 'sum',
  memories: () => [new SharedArrayBuffer(64)],
  setup: ([memory]) => void new Int32Array(memory!).fill(0),
  thread: ([memory], n) => {
    const words = new Int32Array(memory!);
    return () => {
      take(words, n);
      take(words, 1 - n);
      give(words, 1 - n);
      give(words, n);
    };
  },
  check: (_, env) => env.premise('sum'),
};
