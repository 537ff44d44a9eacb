import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'lane-closes-fill',
  about: 'A lane with packets is closed while the poller fills the queue of the other.',
  begins: { lanes: [0, 1], handles: [0, 1], queuedBeside: 1, pendingBeside: 1 },
  threads: [
    (actor) => {
      actor.fill();
      actor.fill();
      actor.readAll(2);
    },
    (actor) => actor.close(),
  ],
});
