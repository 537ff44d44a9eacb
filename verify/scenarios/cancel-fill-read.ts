import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'cancel-fill-read',
  about: 'The host stack withdraws a packet while others fill and read.',
  begins: { queued: [7, 0], pending: 1 },
  threads: [(actor) => actor.cancel(7), (actor) => actor.fill(), (actor) => void actor.read(20)],
});
