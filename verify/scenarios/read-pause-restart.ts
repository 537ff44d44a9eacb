import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'read-pause-restart',
  about: 'A read waits while another thread pauses and restarts the adapter, and the host sends.',
  begins: { pending: 1 },
  threads: [
    (actor) => void actor.read(50),
    (actor) => {
      actor.pause();
      actor.restart();
      actor.link.send();
    },
  ],
});
