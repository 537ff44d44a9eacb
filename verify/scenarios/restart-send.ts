import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'restart-send',
  about: 'The host sends while another thread restarts the adapter.',
  begins: { state: 'Paused', pending: 1 },
  threads: [(actor) => actor.restart(), (actor) => actor.link.send(), (actor) => actor.fill()],
});
