import type { Scenario } from '../engine/scenario.ts';
import { handlesOfTheDeadAreClosed, scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'writer-dies',
  about: 'The writing thread dies anywhere while another pauses the adapter.',
  begins: { handles: [0, 1] },
  dies: 1,
  threads: [
    (actor) => {
      actor.pause();
      actor.bury(1);
    },
    (actor) => void actor.write(2),
  ],
  check: handlesOfTheDeadAreClosed,
});
