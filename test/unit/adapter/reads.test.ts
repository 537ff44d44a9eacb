import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTunError, TunErrorCode } from 'typetun';
import { memoryAdapter } from '../../support/memory-adapter.ts';
import { numberOf, packet, turns } from '../../support/packets.ts';

const BUFFER_BYTES = 0xf000;

test('a read waits for the first packet and then takes all that are queued', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const reading = device.read();
  await turns();
  for (const number of [1, 2, 3]) subject.host.send(packet(number));
  const bundle = await reading;
  assert.deepEqual([...bundle].map(numberOf), [1, 2, 3]);
  assert.equal(bundle.count, 3);
});

test('waiting reads of several handles are answered first in, first out', async () => {
  await using subject = await memoryAdapter();
  const one = subject.adapter.openDevice();
  const two = subject.adapter.openDevice();
  const order: string[] = [];
  const reads = [
    one.read().then((bundle) => order.push(`one ${numberOf([...bundle][0]!)}`)),
    two.read().then((bundle) => order.push(`two ${numberOf([...bundle][0]!)}`)),
    one.read().then((bundle) => order.push(`one ${numberOf([...bundle][0]!)}`)),
  ];
  for (const number of [1, 2, 3]) {
    subject.host.send(packet(number));
    await turns();
  }
  await Promise.all(reads);
  assert.deepEqual(order, ['one 1', 'two 2', 'one 3']);
});

test('a bundle holds at most 256 packets and the rest comes with the next read', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  for (let i = 0; i < 300; i++) subject.host.send(packet(i));
  const first = await device.read();
  const second = await device.read();
  assert.equal(first.count, 256);
  assert.equal(second.count, 44);
  assert.equal(first.sequence, 0);
  assert.equal(second.sequence, 256);
  assert.equal(numberOf([...second][0]!), 256);
});

test('a packet that does not fit the buffer stays for the next read', async () => {
  await using subject = await memoryAdapter({ mtu: 61_424 });
  const device = subject.adapter.openDevice();
  subject.host.send(packet(1, 40_000));
  subject.host.send(packet(2, 40_000));
  const buffer = new Uint8Array(BUFFER_BYTES);
  assert.deepEqual([...(await device.read(buffer))].map(numberOf), [1]);
  assert.deepEqual([...(await device.read(buffer))].map(numberOf), [2]);
});

test('closing a handle cancels its reads, once each, and no others', async () => {
  await using subject = await memoryAdapter();
  const closing = subject.adapter.openDevice();
  const staying = subject.adapter.openDevice();
  let rejections = 0;
  const cancelled = [closing.read(), closing.read()].map((read) =>
    read.catch((error: unknown) => {
      rejections++;
      assert.ok(isTunError(error, TunErrorCode.CANCELLED));
    }),
  );
  const untouched = staying.read();
  await closing.close();
  await Promise.all(cancelled);
  assert.equal(rejections, 2);
  subject.host.send(packet(7));
  assert.deepEqual([...(await untouched)].map(numberOf), [7]);
});

test('an aborted read rejects with the reason and loses no packet', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const abort = new AbortController();
  const aborted = device.read(undefined, { signal: abort.signal });
  const next = device.read();
  const reason = new Error('enough');
  abort.abort(reason);
  await assert.rejects(aborted, reason);
  subject.host.send(packet(5));
  assert.deepEqual([...(await next)].map(numberOf), [5]);
  await assert.rejects(device.read(undefined, { signal: AbortSignal.abort(reason) }), reason);
});

test('a read whose buffer was transferred away fails and the packet goes to the next', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const buffer = new Uint8Array(BUFFER_BYTES);
  const broken = device.read(buffer);
  const next = device.read();
  structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
  subject.host.send(packet(6));
  await assert.rejects(broken, (error: unknown) => isTunError(error, TunErrorCode.BUFFER_DETACHED));
  assert.deepEqual([...(await next)].map(numberOf), [6]);
});

test('leaving a for await loop leaves the device open', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  subject.host.send(packet(1));
  for await (const bundle of device) {
    assert.equal(bundle.count, 1);
    break;
  }
  assert.equal(device.closed, false);
  subject.host.send(packet(2));
  assert.deepEqual([...(await device.read())].map(numberOf), [2]);
});

test('a for await loop ends when the adapter is closed', async () => {
  const subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const looped = (async () => {
    let bundles = 0;
    for await (const bundle of device) bundles += bundle.count > 0 ? 1 : 0;
    return bundles;
  })();
  subject.host.send(packet(1));
  await turns();
  await subject.adapter.close();
  assert.equal(await looped, 1);
});

test('a busy device does not keep the event loop from turning', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  let timers = 0;
  const timer = setInterval(() => timers++, 1);
  const until = performance.now() + 100;
  while (performance.now() < until) {
    subject.host.send(packet(1));
    await device.read();
  }
  clearInterval(timer);
  assert.ok(timers > 3, `${timers} timer callbacks in 100 ms`);
});

test('readSync returns null in time and a bundle when there is one', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const before = performance.now();
  assert.equal(device.readSync(undefined, { timeoutMs: 30 }), null);
  assert.ok(performance.now() - before >= 29);
  subject.host.send(packet(3));
  assert.deepEqual([...device.readSync()!].map(numberOf), [3]);
});

test('readSync answers the reads that were queued before it', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const earlier = device.read();
  subject.host.send(packet(1));
  assert.equal(device.readSync(), null);
  assert.deepEqual([...(await earlier)].map(numberOf), [1]);
});

test('with prefetch off packets stay with the host until a read wants them', async () => {
  await using subject = await memoryAdapter({ prefetch: false });
  const device = subject.adapter.openDevice();
  subject.host.send(packet(1));
  await turns(10);
  assert.equal(subject.adapter.statistics.queued.packets, 0);
  assert.equal(subject.adapter.statistics.taken, 0);
  assert.deepEqual([...(await device.read())].map(numberOf), [1]);
});

test('with nobody reading, the oldest packets give way and are counted', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  for (let i = 0; i < 1200; i++) {
    subject.host.send(packet(i));
    if (i % 100 === 0) await turns();
  }
  await turns(20);
  const { statistics } = subject.adapter;
  assert.equal(statistics.queued.packets, 1000);
  assert.equal(statistics.drops.queueFull, 200);
  assert.equal(statistics.out.discards, 200);
  assert.equal(numberOf([...(await device.read())][0]!), 200);
});

test('under drop-newest the newest packets give way', async () => {
  await using subject = await memoryAdapter({ dropPolicy: 'drop-newest' });
  const device = subject.adapter.openDevice();
  for (let i = 0; i < 1200; i++) {
    subject.host.send(packet(i));
    if (i % 100 === 0) await turns();
  }
  await turns(20);
  assert.equal(subject.adapter.statistics.drops.queueFull, 200);
  assert.equal(numberOf([...(await device.read())][0]!), 0);
});

test('many reads with one signal are aborted at once, and warn of nothing', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const warnings: Error[] = [];
  const warn = (warning: Error): unknown => warnings.push(warning);
  process.on('warning', warn);
  const cancel = new AbortController();
  const buffer = new Uint8Array(BUFFER_BYTES);
  const kept = device.read(buffer);
  const reads = Array.from({ length: 20_000 }, () =>
    device.read(buffer, { signal: cancel.signal }),
  );
  const settled = Promise.allSettled(reads);
  const start = performance.now();
  cancel.abort();
  const blockedMs = performance.now() - start;
  const results = await settled;
  assert.ok(results.every(({ status }) => status === 'rejected'));
  // Quadratic, it was six seconds; linear it is some milliseconds.
  assert.ok(blockedMs < 1500, `${blockedMs} ms`);
  subject.host.send(packet(1));
  assert.equal((await kept).count, 1);
  process.off('warning', warn);
  assert.deepEqual(warnings, []);
});

test('cancelling the readable stream cancels its read, and leaves the packet to others', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const reader = device.readable.getReader();
  const pending = reader.read();
  await turns();
  await reader.cancel();
  assert.equal((await pending).done, true);
  subject.host.send(packet(5));
  assert.deepEqual([...(await device.read())].map(numberOf), [5]);
});

test('without prefetch a read that waits is answered also after the link had nothing', async () => {
  await using subject = await memoryAdapter({ prefetch: false });
  const device = subject.adapter.openDevice();
  subject.host.send(packet(1));
  // With nobody reading the watch is stopped; the read has to start it again.
  await turns(6);
  assert.equal((await device.read()).count, 1);
  const reading = device.read();
  await turns(6);
  subject.host.send(packet(2));
  assert.deepEqual([...(await reading)].map(numberOf), [2]);
});
