import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'two-readers',
  about: 'Two threads read what is queued and what the host sends.',
  begins: { queued: [0, 0], pending: 2 },
  threads: [(actor) => void actor.read(50), (actor) => void actor.read(50)],
});
