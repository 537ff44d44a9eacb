import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'dies-in-halt',
  about: 'A reading thread dies anywhere while the adapter is halted.',
  begins: { pending: 1 },
  dies: 1,
  threads: [(actor) => actor.halt(), (actor) => void actor.read(20)],
});
