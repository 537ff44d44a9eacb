import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'close-close-fill',
  about: 'Two threads close the two handles while the poller fills.',
  begins: { handles: [0, 1], pending: 1 },
  threads: [(actor) => actor.close(), (actor) => actor.close(), (actor) => actor.fill()],
});
