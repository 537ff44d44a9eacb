import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'halt-close',
  about: 'The adapter is halted while a thread closes its handle.',
  begins: { handles: [1], queued: [0] },
  threads: [(actor) => actor.halt(), (actor) => actor.close()],
});
