import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'open-close',
  about: 'One thread opens its handle while another closes the only one.',
  begins: { handles: [0], queued: [0] },
  threads: [(actor) => actor.close(), (actor) => actor.open()],
});
