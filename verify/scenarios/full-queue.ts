import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'full-queue',
  about: 'The queue is full when the poller fills it, and a thread reads.',
  begins: { queued: [0, 0], pending: 2, room: 2 },
  threads: [(actor) => actor.fill(), (actor) => void actor.read(20)],
});
