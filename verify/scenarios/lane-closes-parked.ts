import type { Scenario } from '../engine/scenario.ts';
import { scenarioOf } from '../model/setup.ts';

export const scenario: Scenario = scenarioOf({
  name: 'lane-closes-parked',
  about: "A lane is closed while the other one's reader is parked; then the host sends to it.",
  begins: { lanes: [0, 1, 1], handles: [0, 1] },
  threads: [(actor) => actor.readAll(1), (actor) => actor.close(), (actor) => actor.link.send(1)],
});
