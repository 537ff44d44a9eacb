import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'read-fill',
  about: 'A read parks while the poller takes the packet into the queue.',
  threads: [
    (actor) => void actor.read(),
    (actor) => {
      actor.link.send();
      actor.fill();
    },
  ],
});
