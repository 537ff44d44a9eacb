import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'lanes-restart',
  about: 'A thread of another lane restarts the adapter while the owner throws packets away.',
  begins: { state: 'Paused', lanes: [0, 1], handles: [0, 1], pending: 1 },
  threads: [
    (actor) => actor.readAll(1),
    (actor) => {
      actor.restart();
      actor.link.send(0);
    },
  ],
});
