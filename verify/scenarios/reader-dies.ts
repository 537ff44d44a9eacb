import type { Scenario } from '../engine/scenario.ts';
import { handlesOfTheDeadAreClosed, scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'reader-dies',
  about: 'The reading thread dies anywhere while another pauses the adapter.',
  begins: { queued: [0, 0], pending: 1, handles: [0, 1] },
  dies: 1,
  threads: [
    (actor) => {
      actor.pause();
      actor.bury(1);
    },
    (actor) => void actor.read(20),
  ],
  check: handlesOfTheDeadAreClosed,
});
