/** The packet path allocates nothing per packet: see measure.ts for how that is measured. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { rootSkip } from '../support/root.ts';

/**
 * Heap bytes a packet may cost: the smallest object V8 makes has 16, so a single object, boxed
 * number or closure per packet would show as 16 or more. The rest is noise of the measurement.
 */
const BUDGET_BYTES = 2;
/** Heap bytes of an object with two properties, at least: what the control must show. */
const CONTROL_BYTES = 16;

const FLAGS = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];
const MEASURE = new URL('./measure.js', import.meta.url).pathname;

interface Measured {
  readonly control?: number;
  readonly dataPath?: number;
  readonly codec?: number;
  readonly memoryLink?: number;
  readonly kernels?: number;
  readonly policy?: number;
  readonly capture?: number;
  readonly filteredCapture?: number;
  readonly tapped?: number;
  readonly kernel?: number;
}

function measure(...args: string[]): Measured {
  const printed = execFileSync(process.execPath, [...FLAGS, MEASURE, ...args], {
    encoding: 'utf8',
  });
  return JSON.parse(printed) as Measured;
}

function withinBudget(what: string, bytes: number | undefined): void {
  assert.ok(bytes !== undefined && bytes < BUDGET_BYTES, `${what}: ${bytes} heap bytes a packet`);
}

test('reading, queueing, writing and the codec allocate nothing per packet', () => {
  const measured = measure();
  assert.ok(measured.control! >= CONTROL_BYTES, `control shows only ${measured.control} bytes`);
  withinBudget('data path', measured.dataPath);
  withinBudget('codec', measured.codec);
  withinBudget('in-process link', measured.memoryLink);
  withinBudget('kernels', measured.kernels);
  withinBudget('policy', measured.policy);
  withinBudget('capture', measured.capture);
  withinBudget('capture with a filter', measured.filteredCapture);
  withinBudget('data path with a capture', measured.tapped);
});

for (const [link, offload] of [
  ['linux', 'split'],
  ['linux', 'carry'],
  ['linux', 'off'],
  ['veth', 'off'],
] as const) {
  test(`reading from and writing to the kernel allocates nothing per packet: ${link} ${offload}`, {
    skip: rootSkip(),
  }, () => {
    withinBudget('kernel link', measure(link, offload).kernel);
  });
}
