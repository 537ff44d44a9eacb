/** A mutex that looks and then takes, in two steps. Wrong with one preemption. */

import type { Scenario } from '../../../../verify/engine/scenario.ts';
import { scenario as mutex } from './mutex.ts';

export const scenario: Scenario = {
  ...mutex,
  name: 'broken mutex',
  thread: (memories) => {
    const words = new Int32Array(memories[0]!);
    return () => {
      while (Atomics.load(words, 0) !== 0) Atomics.wait(words, 0, 1);
      Atomics.store(words, 0, 1);
      const value = Atomics.load(words, 1);
      Atomics.store(words, 1, value + 1);
      Atomics.store(words, 0, 0);
      Atomics.notify(words, 0);
    };
  },
};
