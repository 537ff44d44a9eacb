import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'halt-restart',
  about: 'The adapter is halted while another thread restarts it.',
  begins: { state: 'Paused' },
  threads: [
    (actor) => actor.halt(),
    (actor) => {
      try {
        actor.restart();
      } catch {
        // Absent by then: refused.
      }
    },
  ],
});
