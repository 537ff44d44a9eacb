import type { Scenario } from '../engine/scenario.ts';
import { nothingIsLeft, scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'lane-closer-dies',
  about:
    "A thread dies anywhere while it closes its lane, and the other lane's reader gets what it left.",
  begins: { lanes: [0, 1], handles: [0, 1], queuedBeside: 1, pendingBeside: 1 },
  dies: 1,
  threads: [
    (actor) => {
      actor.read(20);
      actor.buryOnceDead(1);
      while (actor.read(0) > 0);
    },
    (actor) => actor.close(),
  ],
  check: nothingIsLeft,
});
