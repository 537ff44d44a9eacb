import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'early-timeout',
  about: 'A read times out at any moment while the poller fills.',
  begins: { pending: 1 },
  earlyTimeouts: 1,
  threads: [(actor) => void actor.read(20), (actor) => actor.fill()],
});
