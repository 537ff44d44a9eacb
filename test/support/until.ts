/** Waiting for what comes from the event loop, and collecting the warnings that do. */

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

const TIMEOUT_MS = 5000;
const INTERVAL_MS = 2;

/** Waits until `condition` holds, and fails if it does not come to. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `never true: ${condition.toString()}`);
    await delay(INTERVAL_MS);
  }
}

/** The product's process warnings from now to the end of the test, in a list that grows. */
export function warningsDuring(context: TestContext): string[] {
  const messages: string[] = [];
  const onWarning = (warning: Error): void => {
    if (warning.name === 'TypetunWarning') messages.push(warning.message);
  };
  process.on('warning', onWarning);
  context.after(() => process.off('warning', onWarning));
  return messages;
}
