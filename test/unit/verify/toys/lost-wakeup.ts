/** A consumer that looks, and then sleeps without looking again: the wake-up in between is lost. */

import type { Scenario } from '../../../../verify/engine/scenario.ts';

export const scenario: Scenario = {
  name: 'lost wake-up',
  about: 'one waits for a flag, one sets it',
  threads: 2,
  bound: 2,
  memories: () => [new SharedArrayBuffer(64)],
  setup: ([memory]) => void new Int32Array(memory!).fill(0),
  thread: ([memory], n) => {
    const words = new Int32Array(memory!);
    return () => {
      if (n === 1) {
        Atomics.store(words, 0, 1);
        // Word 1 is what the other sleeps on; whoever sets the flag only notifies.
        Atomics.notify(words, 1);
      } else {
        while (Atomics.load(words, 0) === 0) Atomics.wait(words, 1, 0, 100);
      }
    };
  },
  quiescent: ([memory], env) => {
    if (new Int32Array(memory!)[0] === 1) env.violated('sum', 'asleep although the flag is set');
  },
  check: (_, env) => env.premise('sum'),
};
