import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'pause-restart-fill',
  about: 'One pauses, one restarts, one fills.',
  begins: { pending: 2 },
  threads: [(actor) => actor.pause(), (actor) => actor.restart(), (actor) => actor.fill()],
});
