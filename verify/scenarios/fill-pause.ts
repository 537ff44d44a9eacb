import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'fill-pause',
  about: 'The poller fills the queue while another thread pauses the adapter.',
  begins: { pending: 2 },
  threads: [(actor) => actor.fill(), (actor) => actor.pause()],
});
