import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'listening-fill',
  about: 'A thread that sleeps in its event loop hears that another has filled the queue.',
  threads: [
    (actor) => {
      actor.link.send();
      actor.fill();
    },
    (actor) => actor.readListening(),
  ],
});
