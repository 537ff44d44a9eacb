import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'halt-fill-read',
  about: 'The adapter is halted while one thread fills and one reads.',
  begins: { pending: 1 },
  threads: [(actor) => actor.halt(), (actor) => actor.fill(), (actor) => void actor.read()],
});
