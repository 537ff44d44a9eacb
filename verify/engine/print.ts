/** A schedule in words: what each thread did, where, and which switches were preemptions. */

import { Board, KIND_NAMES, StepWord, stepIndex, wordOf } from './board.ts';
import type { Scenario } from './scenario.ts';

/** Lines for the steps of the execution on the board. `positions` say where each step came from. */
export function describeSteps(
  words: Int32Array,
  scenario: Scenario,
  positions: ReadonlyMap<number, string>,
): string[] {
  const lines: string[] = [];
  let before = -1;
  for (let step = 0; step < words[Board.STEPS]!; step++) {
    const at = stepIndex(step, 0);
    const thread = words[at + StepWord.THREAD]!;
    const kind = KIND_NAMES[words[at + StepWord.KIND]!]!;
    if (thread !== before) {
      const preempted = words[at + StepWord.COULD_GO_ON] !== 0;
      lines.push(`-- thread ${thread}${preempted ? ` (thread ${before} is preempted)` : ''}`);
    }
    before = thread;
    const where = positions.get(step) ?? '';
    lines.push(
      `${String(step).padStart(4)}  ${kind.padEnd(8)}${targetOf(words, at, scenario).padEnd(18)}${where}`,
    );
  }
  return lines;
}

function targetOf(words: Int32Array, at: number, scenario: Scenario): string {
  const names: string[] = [];
  for (let i = 0; i < words[at + StepWord.ACCESSES]!; i++) {
    const { memory, index } = wordOf(words[at + StepWord.ACCESS + 2 * i]!);
    const name = scenario.wordName?.(memory, index) ?? `${memory}[${index}]`;
    if (!names.includes(name)) names.push(name);
  }
  return names.join(' ');
}
