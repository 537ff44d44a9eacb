import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'write-power',
  about: 'A bundle is delivered while another thread lowers the power.',
  threads: [(actor) => void actor.write(2), (actor) => actor.power('D1')],
});
