import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'filler-dies',
  about: 'The filling thread dies anywhere while another pauses the adapter.',
  begins: { pending: 2 },
  dies: 1,
  threads: [
    (actor) => {
      actor.pause();
      actor.bury(1);
    },
    (actor) => actor.fill(),
  ],
});
