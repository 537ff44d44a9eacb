/** Workers on the kernel's link that are terminated at any moment after they attached, also in their first wait. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Adapter } from 'typetun';
import { rootSkip, withNetns } from '../kernel/support/netns.ts';
import { until } from '../support/link-use.ts';
import { startWorker } from '../support/workers.ts';
import { scaled } from './scale.ts';

const PROGRAMS = ['readAsync', 'readLoop', 'readOnce', 'readAsync'] as const;
/** The first wait of a thread, and what it starts for it, take some tens of ms. */
const LONGEST_LIFE_MS = 60;

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

test('workers terminated at random leave a kernel adapter that works and no descriptor', {
  skip: rootSkip(),
}, async () => {
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({ addresses: ['10.7.0.1/24'], netns });
    const rounds = scaled(1000);
    let before = 0;
    for (let round = 0; round < rounds; round += PROGRAMS.length) {
      const workers = await Promise.all(PROGRAMS.map((program) => startWorker(adapter, program)));
      const ends = workers.map(async ({ worker, terminate }) => {
        worker.on('error', () => undefined);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_LIFE_MS));
        await terminate();
      });
      await Promise.all(ends);
      assert.ok(await until(() => adapter.openHandles === 0), `round ${round}`);
      before ||= descriptors();
    }
    // One or the other round may have had more places than the first. And a descriptor that a system call had just made
    // when its thread was terminated is nobody's: at most one in a hundred threads. A leak would be of hundreds.
    const most = before + PROGRAMS.length + Math.ceil(rounds / 100);
    assert.ok(await until(() => descriptors() <= most), `${descriptors()}, at first ${before}`);
    await adapter.pause();
    await adapter.restart();
  });
});
