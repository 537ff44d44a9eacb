import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'fill-close',
  about: 'The poller fills the queue while another thread closes the last handle.',
  begins: { pending: 2, handles: [1] },
  threads: [(actor) => actor.fill(), (actor) => actor.close()],
});
