/** Hunts for lost wake-ups with real threads and real time: each would cost the cap of a wait, 100 ms. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_BLOCK_MS } from '#dist/limits.js';
import { memoryAdapter } from '../support/memory-adapter.ts';
import { packet } from '../support/packets.ts';
import { startWorker } from '../support/workers.ts';
import { scaled } from './scale.ts';

/** A machine that is busy with other things may stand still that long now and then. */
const MOST_SLOW = 0.002;

for (const program of ['readLoop', 'readAsync'] as const) {
  test(`no packet waits for the cap of a wait (${program})`, async () => {
    const rounds = scaled(10_000);
    await using subject = await memoryAdapter();
    const worker = await startWorker(subject.adapter, program);
    let slow = 0;
    for (let round = 0; round < rounds; round++) {
      const message = worker.next();
      const start = performance.now();
      subject.host.send(packet(round));
      await message;
      if (performance.now() - start > MAX_BLOCK_MS * 0.9) slow++;
    }
    console.log(`${rounds} packets one by one, ${slow} of them slow`);
    assert.ok(slow <= Math.max(3, rounds * MOST_SLOW), `${slow} of ${rounds}`);
    assert.equal(subject.adapter.statistics.bundles.packetsRead, rounds);
    await worker.terminate();
  });
}

test('every pause that another thread holds up completes', async () => {
  const rounds = scaled(10_000);
  await using subject = await memoryAdapter();
  const { adapter, host } = subject;
  const workers = [await startWorker(adapter, 'readLoop'), await startWorker(adapter, 'readLoop')];
  let slow = 0;
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 5; i++) host.send(packet(i));
    const start = performance.now();
    await adapter.pause();
    if (performance.now() - start > 45) slow++;
    assert.equal(adapter.state, 'Paused');
    assert.equal(adapter.statistics.queued.packets, 0);
    await adapter.restart();
    if (round % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(`${rounds} pauses against two readers, ${slow} of them slow`);
  assert.ok(slow <= Math.max(3, rounds * MOST_SLOW), `${slow} of ${rounds}`);
  for (const worker of workers) await worker.terminate();
});
