import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'lanes-pause',
  about: 'One thread pauses the adapter while the reader of another lane reads.',
  begins: { lanes: [0, 1], handles: [0, 1], queued: [0], queuedBeside: 1, pendingBeside: 1 },
  threads: [(actor) => actor.pause(), (actor) => void actor.read(20)],
});
