import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { BUNDLE_SIZE_BOUNDS, READ_WAIT_BOUNDS_MS } from 'typetun';
import { memoryAdapter } from '../../support/memory-adapter.ts';
import { packet, turns } from '../../support/packets.ts';
import { startWorker } from '../../support/workers.ts';

/** Bundles whose sizes lie at both ends of buckets. */
const SIZES = [1, 2, 3, 4, 5, 8, 9, 128, 129, 256, 256];

test('bundles read are counted by the packets in them', async () => {
  await using subject = await memoryAdapter();
  await using device = subject.adapter.openDevice();
  for (const size of SIZES) {
    for (let i = 0; i < size; i++) subject.host.send(packet(i));
    assert.equal((await device.read()).count, size);
  }
  const { sizes, read } = subject.adapter.statistics.bundles;
  const expected = BUNDLE_SIZE_BOUNDS.map(
    (bound) => SIZES.filter((size) => size <= bound && size > bound / 2).length,
  );
  assert.deepEqual(sizes, expected);
  assert.equal(
    sizes.reduce((sum, count) => sum + count, 0),
    read,
  );
});

test('a read that waited is counted by how long, and one that did not is not', async () => {
  await using subject = await memoryAdapter();
  await using device = subject.adapter.openDevice();
  subject.host.send(packet(1));
  await turns();
  await device.read();
  const none = subject.adapter.statistics.readWaits;
  assert.deepEqual(none, { counts: none.counts.map(() => 0), totalMs: 0 });

  const begun = performance.now();
  const reading = device.read();
  await delay(15);
  subject.host.send(packet(2));
  await reading;
  const most = performance.now() - begun;
  const { counts, totalMs } = subject.adapter.statistics.readWaits;
  assert.equal(counts.length, READ_WAIT_BOUNDS_MS.length + 1);
  assert.ok(totalMs > 10 && totalMs <= most, `${totalMs} ms of ${most}`);
  const bucket = READ_WAIT_BOUNDS_MS.findIndex((bound) => totalMs <= bound);
  assert.deepEqual(
    counts,
    counts.map((_, index) => (index === bucket ? 1 : 0)),
  );
});

test('a blocking read that waited is counted, too', async () => {
  await using subject = await memoryAdapter();
  await using device = subject.adapter.openDevice();
  assert.equal(device.readSync(undefined, { timeoutMs: 0 }), null);
  subject.host.send(packet(1));
  assert.equal(device.readSync(undefined, { timeoutMs: 0 })?.count, 1);
  const waited = (): number =>
    subject.adapter.statistics.readWaits.counts.reduce((sum, count) => sum + count, 0);
  assert.equal(waited(), 0, 'neither of them waited');

  const worker = await startWorker(subject.adapter, 'readOnce');
  await delay(15);
  subject.host.send(packet(2));
  assert.deepEqual(await worker.next(), [2]);
  assert.equal(waited(), 1);
  assert.ok(subject.adapter.statistics.readWaits.totalMs > 1);
  await worker.terminate();
});
