import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'four',
  about: 'Four threads: fill, read, write, pause. Random walks.',
  begins: { pending: 3, handles: [0, 1] },
  walks: 3000,
  threads: [
    (actor) => actor.fill(),
    (actor) => void actor.read(50),
    (actor) => void actor.write(2),
    (actor) => {
      actor.pause();
      actor.restart();
    },
  ],
});
