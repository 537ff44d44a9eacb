import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'write-pause',
  about: 'A bundle is delivered while another thread pauses the adapter.',
  threads: [(actor) => void actor.write(2), (actor) => actor.pause()],
});
