import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'fill-power',
  about: 'The poller fills the queue while another thread lowers the power.',
  begins: { pending: 2 },
  threads: [(actor) => actor.fill(), (actor) => actor.power('D3')],
});
