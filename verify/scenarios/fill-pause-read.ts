import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'fill-pause-read',
  about: 'One fills, one reads, one pauses.',
  begins: { pending: 2 },
  threads: [(actor) => actor.fill(), (actor) => void actor.read(50), (actor) => actor.pause()],
});
