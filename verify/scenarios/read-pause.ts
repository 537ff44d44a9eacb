import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'read-pause',
  about: 'A read takes queued packets while another thread pauses the adapter.',
  begins: { queued: [0, 0], pending: 1 },
  threads: [(actor) => void actor.read(50), (actor) => actor.pause()],
});
