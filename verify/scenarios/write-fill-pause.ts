import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'write-fill-pause',
  about: 'One writes, one fills, one pauses.',
  begins: { pending: 1 },
  threads: [(actor) => void actor.write(1), (actor) => actor.fill(), (actor) => actor.pause()],
});
