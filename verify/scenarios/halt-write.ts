import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'halt-write',
  about: 'The adapter is halted while a thread writes.',
  threads: [(actor) => actor.halt(), (actor) => void actor.write(1)],
});
