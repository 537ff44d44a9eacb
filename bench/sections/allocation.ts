/** Heap bytes a packet costs: the test's own measurement (test/alloc/measure.ts). */

import { fileURLToPath } from 'node:url';
import type { Measure } from '../report/result.ts';
import { run as runProgram } from '../rig/child.ts';
import { chosen, type Run } from './run.ts';

const FLAGS = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];
const HEAP: Measure = {
  id: 'heap',
  title: 'heap of a packet read and written back',
  unit: 'bytes',
  better: 'less',
};

export async function allocation(run: Run): Promise<void> {
  const program = fileURLToPath(new URL('../../test/alloc/measure.js', import.meta.url));
  for (const candidate of chosen(run, ['off', 'split', 'carry'])) {
    run.say(`heap of ${candidate.title}`);
    const printed = await runProgram(process.execPath, ...FLAGS, program, candidate.id);
    run.samples.add(candidate, HEAP, (JSON.parse(printed) as { kernel: number }).kernel);
  }
}
