import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'shutdown-read-fill',
  about: 'The system goes down while one thread reads and one fills.',
  begins: { pending: 1 },
  threads: [(actor) => actor.shutdown(), (actor) => void actor.read(), (actor) => actor.fill()],
});
