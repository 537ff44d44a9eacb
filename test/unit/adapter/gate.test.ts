/** What was sent before packets may pass is thrown away, with a count, and never arrives later. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryAdapter } from '../../support/memory-adapter.ts';
import { numberOf, packet } from '../../support/packets.ts';

test('what was sent in low power is gone when D0 comes back', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  await subject.adapter.setPower('D3');
  for (let i = 0; i < 5; i++) subject.host.send(packet(i));
  // At once: the event loop has had no turn in which it could have drained the link.
  await subject.adapter.setPower('D0');
  subject.host.send(packet(9));
  assert.deepEqual([...(await device.read())].map(numberOf), [9]);
  assert.equal(subject.adapter.statistics.drops.lowPower, 5);
});

test('what was sent before the first open is gone', async () => {
  await using subject = await memoryAdapter();
  for (let i = 0; i < 5; i++) subject.host.send(packet(i));
  const device = subject.adapter.openDevice();
  subject.host.send(packet(9));
  assert.deepEqual([...(await device.read())].map(numberOf), [9]);
  assert.equal(subject.adapter.statistics.drops.notOpen, 5);
});

test('what is on its way when the adapter is closed is counted', async () => {
  const { adapter, host } = await memoryAdapter();
  adapter.openDevice();
  for (let i = 0; i < 5; i++) host.send(packet(i));
  await adapter.close();
  const { drops, hostDrops, taken } = adapter.statistics;
  assert.equal(
    Object.values(drops).reduce((sum, count) => sum + count),
    5,
  );
  assert.deepEqual([taken, hostDrops], [5, 0]);
});

test('what is in front of a device that is removed counts as dropped by the host', async () => {
  const { adapter, host } = await memoryAdapter();
  adapter.openDevice();
  for (let i = 0; i < 5; i++) host.send(packet(i));
  host.removeDevice();
  await adapter.close();
  assert.equal(adapter.statistics.hostDrops, 5);
});

test('a packet put back because it did not fit counts as taken once', async () => {
  await using subject = await memoryAdapter({ mtu: 40_000 });
  const device = subject.adapter.openDevice();
  for (let i = 0; i < 3; i++) subject.host.send(packet(i, 30_000));
  const buffer = new Uint8Array(61_440);
  const numbers: number[] = [];
  while (numbers.length < 3) numbers.push(...[...(await device.read(buffer))].map(numberOf));
  assert.deepEqual(numbers, [0, 1, 2]);
  assert.equal(subject.adapter.statistics.taken, 3);
});

test('the queue grows with an MTU that others raise', async () => {
  await using subject = await memoryAdapter();
  const before = subject.adapter.properties.queueBytes;
  const changed = new Promise((resolve) => subject.adapter.once('link', resolve));
  subject.host.setMtu(9000);
  await changed;
  assert.ok(subject.adapter.properties.queueBytes >= before * 5);
});
