import type { Scenario } from '../engine/scenario.ts';
import { handlesOfTheDeadAreClosed, scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'closer-dies',
  about: 'A thread dies anywhere while it closes the last handle, and another fills.',
  begins: { pending: 1, handles: [1] },
  dies: 1,
  threads: [
    (actor) => {
      actor.fill();
      actor.bury(1);
    },
    (actor) => actor.close(),
  ],
  check: handlesOfTheDeadAreClosed,
});
