import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'remainder-pause',
  about: 'A reader puts back what it has no room for while another thread pauses the adapter.',
  begins: { pending: 2, remainder: true },
  threads: [(actor) => void actor.read(20, 1), (actor) => actor.pause()],
});
