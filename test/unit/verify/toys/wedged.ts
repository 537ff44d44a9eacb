/** As `death`, with a waiter that never asks. */

import type { Scenario } from '../../../../verify/engine/scenario.ts';
import { scenario as death } from './death.ts';

export const scenario: Scenario = {
  ...death,
  name: 'wedged',
  stuck: () => 'sum',
  thread: ([memory], n) => {
    const words = new Int32Array(memory!);
    return () => {
      while (Atomics.compareExchange(words, 0, 0, n + 1) !== 0) Atomics.wait(words, 0, 2 - n);
      Atomics.store(words, 0, 0);
      Atomics.notify(words, 0);
    };
  },
};
