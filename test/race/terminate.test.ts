/** Workers that are terminated at any moment, whatever they are in the middle of. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_BUNDLE_PACKETS } from '#dist/limits.js';
import { until } from '../support/link-use.ts';
import { memoryAdapter } from '../support/memory-adapter.ts';
import { numberOf, packet, turns } from '../support/packets.ts';
import { startWorker } from '../support/workers.ts';
import { scaled } from './scale.ts';

const PROGRAMS = ['readLoop', 'readAsync', 'write', 'readOnce'] as const;
const LONGEST_LIFE_MS = 10;

test('workers terminated at random leave an adapter that works and no handle counted', async () => {
  const rounds = scaled(1000);
  await using subject = await memoryAdapter();
  const { adapter, host } = subject;
  let sent = 0;
  let abandoned = 0;
  for (let round = 0; round < rounds; round += PROGRAMS.length) {
    const workers = await Promise.all(PROGRAMS.map((program) => startWorker(adapter, program)));
    const ends = workers.map(async ({ worker, say, terminate }, i) => {
      worker.on('error', () => undefined);
      if (PROGRAMS[i] === 'write') for (let n = 0; n < 50; n++) say('go');
      await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_LIFE_MS));
      await terminate();
    });
    const end = performance.now() + LONGEST_LIFE_MS;
    while (performance.now() < end) {
      for (let i = 0; i < 20; i++) if (host.send(packet(sent))) sent++;
      // In the middle of it: whoever pauses must not wait for the dead.
      if (round % 3 === 0) {
        await adapter.pause();
        await adapter.restart();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(ends);
    assert.ok(await until(() => adapter.openHandles === 0), `round ${round}`);
    abandoned = adapter.statistics.drops.abandoned;
  }
  const device = adapter.openDevice();
  await turns(6);
  while (device.readSync(undefined, { timeoutMs: 20 }) !== null);
  host.send(packet(424_242));
  assert.deepEqual([...(await device.read())].map(numberOf), [424_242]);
  const { taken, hostDrops } = adapter.statistics;
  console.log(`${rounds} workers terminated, ${sent} packets sent, ${abandoned} abandoned`);
  // Some packets may be counted nowhere: the bundle that a thread was taking, or counting, as it died. Few die just then;
  // where only ten die, one may well do so with half of all packets in that bundle.
  const missing = sent + 1 - hostDrops - taken;
  assert.ok(Math.abs(missing) <= Math.max(MAX_BUNDLE_PACKETS, sent / 4), `${missing} packets`);
  // Nobody dies any more: now every packet is counted.
  const before = adapter.statistics;
  for (let i = 0; i < 500; i++) {
    assert.ok(host.send(packet(i)));
    if (i % 50 === 49) while (device.readSync(undefined, { timeoutMs: 0 }) !== null);
  }
  while (device.readSync(undefined, { timeoutMs: 20 }) !== null);
  const after = adapter.statistics;
  assert.equal(after.taken - before.taken, 500);
  assert.equal(after.bundles.packetsRead - before.bundles.packetsRead, 500);
  assert.equal(after.out.unicastPackets - before.out.unicastPackets, 500);
  await adapter.pause();
  assert.equal(adapter.state, 'Paused');
});

test('an owner that is blocked in a pause gets past a worker that dies in the middle', async () => {
  const rounds = scaled(100);
  await using subject = await memoryAdapter();
  const { adapter, host } = subject;
  for (let round = 0; round < rounds; round++) {
    const worker = await startWorker(adapter, 'readLoop');
    for (let i = 0; i < 200; i++) host.send(packet(i));
    void worker.worker.terminate();
    // No event is delivered until this is over: the dead thread is found by asking the system.
    const start = performance.now();
    await adapter.pause();
    assert.ok(performance.now() - start < 2000);
    await adapter.restart();
    assert.ok(await until(() => adapter.openHandles === 0));
  }
});
