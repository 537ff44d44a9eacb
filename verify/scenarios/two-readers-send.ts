import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'two-readers-send',
  about: 'Two threads read what the host sends meanwhile, one packet after the other.',
  begins: { pending: 1 },
  threads: [
    (actor) => void actor.read(50),
    (actor) => void actor.read(50),
    (actor) => {
      actor.link.send();
      actor.link.send();
    },
  ],
});
