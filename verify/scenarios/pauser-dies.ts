import type { Scenario } from '../engine/scenario.ts';
import { handlesOfTheDeadAreClosed, scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'pauser-dies',
  about: 'The pausing thread dies anywhere while another reads, and its work is finished.',
  begins: { queued: [0], handles: [0, 1] },
  dies: 1,
  threads: [
    (actor) => {
      actor.read(20);
      actor.bury(1);
      actor.restart();
    },
    (actor) => actor.pause(),
  ],
  check: handlesOfTheDeadAreClosed,
});
