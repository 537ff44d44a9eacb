import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'unusable-pause',
  about: 'Packets that no bundle can hold are taken while another thread pauses the adapter.',
  begins: { pending: 1, unusable: 2 },
  threads: [(actor) => actor.fill(), (actor) => actor.pause()],
});
