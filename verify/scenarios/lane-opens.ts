import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'lane-opens',
  about: "A lane is opened whose packets the other one's reader gets, while the host sends.",
  begins: { lanes: [0, 1, 1], handles: [0], pendingBeside: 1 },
  threads: [
    (actor) => void actor.read(50),
    (actor) => {
      actor.open();
      actor.read(50);
    },
    (actor) => actor.link.send(1),
  ],
});
