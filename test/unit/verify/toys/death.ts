/** A thread dies anywhere while it uses a mutex; the other asks whether it lives. */

import type { Scenario } from '../../../../verify/engine/scenario.ts';

export const scenario: Scenario = {
  name: 'death',
  about: 'the holder of a mutex dies, and the waiter finds out',
  threads: 2,
  bound: 2,
  dies: 1,
  memories: () => [new SharedArrayBuffer(64)],
  setup: ([memory]) => void new Int32Array(memory!).fill(0),
  thread: ([memory], n, env) => {
    const words = new Int32Array(memory!);
    const mine = n + 1;
    return () => {
      for (;;) {
        const holder = Atomics.compareExchange(words, 0, 0, mine);
        if (holder === 0) break;
        Atomics.wait(words, 0, holder, 10);
        if (Atomics.load(env.alive, holder - 1) === 1) continue;
        if (Atomics.compareExchange(words, 0, holder, mine) === holder) break;
      }
      Atomics.add(words, 1, 1);
      try {
        Atomics.store(words, 0, 0);
      } finally {
        // Has no effect when the thread has died before.
        Atomics.notify(words, 0);
      }
    };
  },
  check: ([memory], env) => {
    env.premise('sum');
    const words = new Int32Array(memory!);
    if (words[0] !== 0 && env.alive[words[0]! - 1] === 1) env.violated('sum', 'still held');
  },
};
