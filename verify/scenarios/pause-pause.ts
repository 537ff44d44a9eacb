import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'pause-pause',
  about: 'Two threads pause at once.',
  begins: { queued: [0] },
  threads: [(actor) => actor.pause(), (actor) => actor.pause()],
});
