import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'remainder-two-readers',
  about: 'What one reader has no room for goes back to the queue, and another waits for it.',
  begins: { remainder: true },
  threads: [
    (actor) => void actor.read(Number.POSITIVE_INFINITY, 1),
    (actor) => void actor.read(Number.POSITIVE_INFINITY, 1),
    (actor) => {
      actor.link.send();
      actor.link.send();
    },
  ],
});
