import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BundleWriter, isTunError, TunErrorCode } from 'typetun';
import { memoryAdapter } from '../../support/memory-adapter.ts';
import { numberOf, packet, turns } from '../../support/packets.ts';

function bundleOf(...packets: Uint8Array[]): Uint8Array {
  const writer = new BundleWriter(new Uint8Array(1 << 20));
  for (const one of packets) assert.ok(writer.append(one));
  return writer.finish();
}

test('a written bundle reaches the host in order and its packets are counted', async () => {
  await using subject = await memoryAdapter();
  const received: number[] = [];
  subject.host.onPacket((bytes) => received.push(numberOf(bytes)));
  const device = subject.adapter.openDevice();
  assert.equal(await device.write(bundleOf(packet(1), packet(2))), 2);
  await turns();
  assert.deepEqual(received, [1, 2]);
  const { statistics } = subject.adapter;
  assert.equal(statistics.in.unicastPackets, 2);
  assert.equal(statistics.in.octets, 128);
  assert.equal(statistics.bundles.written, 1);
});

test('a bundle with one bad entry delivers nothing of it and the adapter goes on', async () => {
  await using subject = await memoryAdapter();
  let received = 0;
  subject.host.onPacket(() => received++);
  const device = subject.adapter.openDevice();
  const bad = bundleOf(packet(1), packet(2));
  bad[80 + 16] = 0x75;
  await assert.rejects(
    device.write(bad),
    (error: unknown) => isTunError(error, TunErrorCode.BUNDLE_INVALID) && error.packetIndex === 1,
  );
  await turns();
  assert.equal(received, 0);
  assert.equal(subject.adapter.statistics.in.errors, 1);
  assert.equal(await device.write(bundleOf(packet(3))), 1);
  await turns();
  assert.equal(received, 1);
});

test('a write while paused or in low power succeeds with 0 and is counted', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  await subject.adapter.pause();
  assert.equal(await device.write(bundleOf(packet(1), packet(2))), 0);
  await subject.adapter.restart();
  await subject.adapter.setPower('D3');
  assert.equal(await device.write(bundleOf(packet(1))), 0);
  const { statistics } = subject.adapter;
  assert.deepEqual(statistics.receiveDrops, { paused: 2, lowPower: 1, notOpen: 0 });
  assert.equal(statistics.in.discards, 3);
});

test('a bundle is validated also while nothing is accepted', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  await subject.adapter.pause();
  await assert.rejects(device.write(new Uint8Array(17)), (error: unknown) =>
    isTunError(error, TunErrorCode.BUNDLE_INVALID),
  );
});

test('a host that writes back from within a delivery does not disturb it', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const received: number[] = [];
  subject.host.onPacket((bytes) => {
    received.push(numberOf(bytes));
    if (numberOf(bytes) === 1) device.writeSync(bundleOf(packet(99)));
  });
  assert.equal(await device.write(bundleOf(packet(1), packet(2), packet(3))), 3);
  await turns();
  assert.deepEqual(
    [...received].sort((a, b) => a - b),
    [1, 2, 3, 99],
  );
});

test('a pause from within a delivery completes when the delivery has ended, once', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const states: string[] = [];
  subject.adapter.on('state', (state) => states.push(state));
  let pausing: Promise<void> | undefined;
  subject.host.onPacket(() => {
    pausing ??= subject.adapter.pause();
  });
  await device.write(bundleOf(packet(1), packet(2)));
  await turns();
  await pausing;
  assert.deepEqual(states, ['Pausing', 'Paused']);
});

test('an empty BundleWriter writes nothing', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  assert.equal(await device.write(new BundleWriter()), 0);
  assert.equal(subject.adapter.statistics.bundles.written, 0);
});

test('Web streams carry bundles both ways', async () => {
  await using subject = await memoryAdapter();
  const received: number[] = [];
  subject.host.onPacket((bytes) => received.push(numberOf(bytes)));
  const device = subject.adapter.openDevice();
  const writer = device.writable.getWriter();
  await writer.write(bundleOf(packet(1)));
  await writer.close();
  const reader = device.readable.getReader();
  subject.host.send(packet(2));
  const { value } = await reader.read();
  assert.equal(value?.byteLength, 80);
  await reader.cancel();
  assert.deepEqual(received, [1]);
  assert.equal(device.closed, false);
});

test('a readable stream closes when its device does', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const reader = device.readable.getReader();
  const reading = reader.read();
  await turns();
  await device.close();
  assert.equal((await reading).done, true);
});
