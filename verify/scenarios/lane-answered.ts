import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'lane-answered',
  about: 'A reader gets the packets of two queues, and answers one; its flow goes on in the other.',
  begins: { lanes: [0, 1], handles: [0], pendingBeside: 1 },
  threads: [
    (actor) => {
      const read = actor.read();
      actor.answer(1);
      actor.readAll(3 - read);
    },
    (actor) => {
      actor.link.send(1);
      actor.link.send(1);
    },
  ],
});
