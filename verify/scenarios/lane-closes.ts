import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'lane-closes',
  about:
    "A lane with packets is closed while the other one's reader reads, and then gets them, in order.",
  begins: { lanes: [0, 1], handles: [0, 1], pending: 1, queuedBeside: 1, pendingBeside: 1 },
  threads: [(actor) => actor.readAll(3), (actor) => actor.close()],
});
