import type { Scenario } from '../engine/scenario.ts';
import { nothingIsLeft, scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'lane-reader-dies',
  about: "The reader of a lane dies anywhere, and the other lane's gets what it left.",
  begins: { lanes: [0, 1], handles: [0, 1], queued: [0], queuedBeside: 1, pendingBeside: 1 },
  dies: 1,
  threads: [
    (actor) => {
      actor.read(20);
      actor.buryOnceDead(1);
      while (actor.read(0) > 0);
    },
    (actor) => void actor.read(20),
  ],
  check: nothingIsLeft,
});
