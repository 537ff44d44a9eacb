import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'pause-power-read',
  about: 'One pauses, one lowers and raises the power, one reads what is queued.',
  begins: { queued: [0] },
  threads: [
    (actor) => actor.pause(),
    (actor) => {
      actor.power('D2');
      actor.power('D0');
    },
    (actor) => void actor.read(20),
  ],
});
