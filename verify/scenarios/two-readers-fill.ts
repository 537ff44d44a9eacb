import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'two-readers-fill',
  about: 'Two threads read while the poller fills.',
  begins: { pending: 2 },
  threads: [
    (actor) => void actor.read(50),
    (actor) => void actor.read(50),
    (actor) => actor.fill(),
  ],
});
