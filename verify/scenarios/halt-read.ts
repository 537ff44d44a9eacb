import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'halt-read',
  about: 'The adapter is halted while a thread is parked in a read.',
  threads: [(actor) => actor.halt(), (actor) => void actor.read()],
});
