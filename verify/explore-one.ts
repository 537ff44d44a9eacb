/**
 * Explores one scenario in a process of its own, so that it can be pinned to one core: on one core a
 * hand-over between threads costs a few microseconds, across two some dozens. Prints JSON lines.
 */

import { parseArgs } from 'node:util';
import { type Exploration, Explorer } from './engine/explore.ts';
import { describeSteps } from './engine/print.ts';
import type { Scenario } from './engine/scenario.ts';
import { RULE_IDS } from './rules.ts';
import { scenarioUrl } from './scenarios.ts';

/** What this process prints. */
export type Line =
  | { readonly type: 'progress'; readonly schedules: number }
  | {
      readonly type: 'result';
      readonly exploration: Exploration;
      readonly steps: readonly string[];
    };

function say(line: Line): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const { values: options } = parseArgs({
  options: {
    scenario: { type: 'string', default: '' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    bound: { type: 'string' },
    replay: { type: 'string' },
  },
});

const url = scenarioUrl(options.scenario);
const { scenario } = (await import(url)) as { scenario: Scenario };
const explorer = new Explorer(scenario, {
  rules: RULE_IDS,
  seed: Number(options.seed),
  ...(options.seconds === undefined ? {} : { seconds: Number(options.seconds) }),
  ...(options.bound === undefined ? {} : { bound: Number(options.bound) }),
  onProgress: (schedules) => say({ type: 'progress', schedules }),
});
await explorer.start(url);
if (options.replay === undefined) {
  const exploration = await explorer.explore();
  const { violation } = exploration;
  const steps = violation === undefined ? [] : await replay(violation.schedule);
  say({ type: 'result', exploration, steps });
} else {
  const steps = await replay(options.replay);
  const exploration: Exploration = {
    name: scenario.name,
    bound: scenario.bound,
    schedules: 1,
    states: 1,
    exhausted: false,
    tested: {},
    violation: explorer.lastViolation && { ...explorer.lastViolation, schedule: options.replay },
    seconds: 0,
    seed: Number(options.seed),
  };
  say({ type: 'result', exploration, steps });
}
await explorer.stop();

async function replay(schedule: string): Promise<string[]> {
  const positions = await explorer.replay(schedule);
  return describeSteps(explorer.words, scenario, positions);
}
