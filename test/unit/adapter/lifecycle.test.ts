import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Adapter, isTunError, openDevice, TunErrorCode } from 'typetun';
import { memoryAdapter } from '../../support/memory-adapter.ts';
import { numberOf, packet, turns } from '../../support/packets.ts';

test('a pause empties the queue, counts it, and it stays empty until restart', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  for (let i = 0; i < 5; i++) subject.host.send(packet(i));
  await turns(6);
  assert.equal(subject.adapter.statistics.queued.packets, 5);
  await subject.adapter.pause();
  subject.host.send(packet(6));
  await turns(6);
  const paused = subject.adapter.statistics;
  assert.equal(paused.queued.packets, 0);
  assert.equal(paused.drops.paused, 6);
  await subject.adapter.restart();
  subject.host.send(packet(7));
  assert.deepEqual([...(await device.read())].map(numberOf), [7]);
});

test('what the host sent while paused is dropped at restart, not delivered', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  await subject.adapter.pause();
  const restarting = subject.adapter.restart();
  subject.host.send(packet(1));
  await restarting;
  await subject.adapter.pause();
  subject.host.send(packet(2));
  await subject.adapter.restart();
  assert.equal(subject.adapter.statistics.drops.paused >= 1, true);
  assert.equal(device.readSync(undefined, { timeoutMs: 0 }), null);
});

test('a read waits through a pause and a low-power spell', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const reading = device.read();
  await subject.adapter.pause();
  await subject.adapter.setPower('D2');
  subject.host.send(packet(1));
  await turns();
  await subject.adapter.restart();
  subject.host.send(packet(2));
  await turns();
  await subject.adapter.setPower('D0');
  subject.host.send(packet(3));
  assert.deepEqual([...(await reading)].map(numberOf), [3]);
  const { drops } = subject.adapter.statistics;
  assert.deepEqual([drops.paused, drops.lowPower], [1, 1]);
});

test('low power keeps state, handles and configuration, and empties the queue', async () => {
  await using subject = await memoryAdapter();
  subject.adapter.openDevice();
  subject.host.send(packet(1));
  await turns(6);
  await subject.adapter.setPower('D3');
  assert.equal(subject.adapter.state, 'Running');
  assert.equal(subject.adapter.openHandles, 1);
  assert.deepEqual(subject.adapter.addresses, ['10.7.0.1/24']);
  assert.equal(subject.adapter.statistics.drops.lowPower, 1);
  assert.equal(subject.adapter.power, 'D3');
});

test('media follows the first open and the last close', async () => {
  await using subject = await memoryAdapter();
  const events: string[] = [];
  subject.adapter.on('media', (media) => events.push(media));
  const one = subject.adapter.openDevice();
  const two = subject.adapter.openDevice();
  await one.close();
  assert.equal(subject.adapter.media, 'Connected');
  await two.close();
  await two.close();
  assert.deepEqual(events, ['Connected', 'Disconnected']);
  assert.equal(subject.adapter.openHandles, 0);
});

test('packets sent with no handle open are counted and never delivered', async () => {
  await using subject = await memoryAdapter();
  subject.host.send(packet(1));
  await turns(6);
  const device = subject.adapter.openDevice();
  assert.equal(device.readSync(), null);
  assert.equal(subject.adapter.statistics.drops.notOpen, 1);
});

test('closing the last handle empties the queue as not open', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  subject.host.send(packet(1));
  await turns(6);
  await device.close();
  assert.equal(subject.adapter.statistics.drops.notOpen, 1);
  assert.equal(subject.adapter.statistics.queued.packets, 0);
});

test('control calls are serialised, and a pause that is under way is joined', async () => {
  await using subject = await memoryAdapter();
  const states: string[] = [];
  subject.adapter.on('state', (state) => states.push(state));
  await Promise.all([
    subject.adapter.pause(),
    subject.adapter.pause(),
    subject.adapter.restart(),
    subject.adapter.pause(),
    subject.adapter.restart(),
  ]);
  assert.deepEqual(states, [
    ...['Pausing', 'Paused', 'Restarting', 'Running'],
    ...['Pausing', 'Paused', 'Restarting', 'Running'],
  ]);
});

test('a listener may call back into the adapter', async () => {
  await using subject = await memoryAdapter();
  const restarted = new Promise<void>((resolve) => {
    subject.adapter.on('state', (state) => {
      if (state === 'Pausing') subject.adapter.restart().then(resolve, resolve);
    });
  });
  await subject.adapter.pause();
  await restarted;
  assert.equal(subject.adapter.state, 'Running');
});

test('a listener that throws does not break a transition', async () => {
  await using subject = await memoryAdapter();
  const surfaced = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
  const failure = new Error('listener');
  subject.adapter.once('state', () => {
    throw failure;
  });
  await subject.adapter.pause();
  assert.equal(subject.adapter.state, 'Paused');
  assert.equal(await surfaced, failure);
  process.setUncaughtExceptionCaptureCallback(null);
});

test('halting completes reads, closes handles, takes the name away, in that adapter only', async () => {
  const subject = await memoryAdapter();
  await using other = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const { deviceName } = subject.adapter;
  const read = device.read();
  const states: string[] = [];
  subject.adapter.on('state', (state) => states.push(state));
  const closing = subject.adapter.close();
  await assert.rejects(read, (error: unknown) => isTunError(error, TunErrorCode.FORCED_CLOSED));
  await Promise.all([closing, subject.adapter.close()]);
  assert.deepEqual(states, ['Pausing', 'Paused', 'Halting', 'Halted']);
  assert.equal(subject.adapter.power, 'Unspecified');
  assert.equal(subject.adapter.media, 'Disconnected');
  assert.equal(device.closed, true);
  assert.throws(
    () => openDevice(deviceName),
    (error: unknown) => isTunError(error, TunErrorCode.NOT_FOUND),
  );
  assert.equal(other.adapter.state, 'Running');
});

test('a removal query pauses with the queue cleared as aborted', async () => {
  await using subject = await memoryAdapter();
  subject.adapter.openDevice();
  subject.host.send(packet(1));
  await turns(6);
  await subject.adapter.removalQuery();
  assert.equal(subject.adapter.state, 'Paused');
  assert.equal(subject.adapter.statistics.drops.cleared, 1);
  await subject.adapter.removalQuery();
  assert.equal(subject.adapter.state, 'Paused');
});

test('a shutdown is final and completes everything at once', async () => {
  const subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const read = device.read();
  subject.adapter.shutdown();
  await assert.rejects(read, (error: unknown) => isTunError(error, TunErrorCode.FORCED_CLOSED));
  assert.equal(subject.adapter.state, 'Shutdown');
  await assert.rejects(subject.adapter.restart(), (error: unknown) =>
    isTunError(error, TunErrorCode.INVALID_STATE),
  );
  await subject.adapter.close();
  assert.equal(subject.adapter.state, 'Shutdown');
});

test('an interface removed under the adapter ends it and says why', async () => {
  const subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const events: string[] = [];
  subject.adapter.on('link', (event) => events.push(event.type));
  const looping = (async () => {
    for await (const bundle of device) assert.ok(bundle.count > 0);
  })();
  await turns();
  subject.host.removeDevice();
  await assert.rejects(looping, (error: unknown) =>
    isTunError(error, TunErrorCode.ADAPTER_REMOVED),
  );
  await subject.adapter.close();
  assert.deepEqual(events, ['removed']);
  assert.equal(subject.adapter.state, 'Halted');
});

test('every packet taken was read, dropped with a reason, or is still queued', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  for (let i = 0; i < 2000; i++) {
    subject.host.send(packet(i));
    if (i % 97 === 0) await turns();
    if (i % 301 === 0) await subject.adapter.pause();
    if (i % 301 === 40) await subject.adapter.restart();
    if (i % 401 === 7) device.readSync();
  }
  await turns(6);
  const { taken, bundles, drops, queued } = subject.adapter.statistics;
  const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
  assert.equal(taken, bundles.packetsRead + dropped + queued.packets);
  assert.ok(dropped > 0 && bundles.packetsRead > 0);
});

test('Adapter.list shows the adapters of this thread and openDevice finds them by name', async () => {
  await using subject = await memoryAdapter();
  const [listed] = (await Adapter.list()).filter(
    (one) => one.luidIndex === subject.adapter.luidIndex,
  );
  assert.equal(listed?.device, subject.adapter.deviceName);
  assert.equal(listed?.state, 'Running');
  assert.ok(subject.adapter.luidIndex >= 2 ** 31);
  for (const name of [
    subject.adapter.deviceName,
    `WINTUN${subject.adapter.luidIndex}`,
    String(subject.adapter.luidIndex),
  ]) {
    const device = openDevice(name);
    assert.equal(subject.adapter.openHandles, 1);
    await device.close();
  }
});

test('a pause does not join one that other control calls came after', async () => {
  await using subject = await memoryAdapter();
  const { adapter } = subject;
  await Promise.all([adapter.pause(), adapter.restart(), adapter.pause()]);
  assert.equal(adapter.state, 'Paused');
});

test('a shutdown from within a restart leaves it with an error of ours, or done', async () => {
  await using subject = await memoryAdapter();
  const { adapter } = subject;
  await adapter.pause();
  adapter.on('state', (state) => {
    if (state === 'Restarting') adapter.shutdown();
  });
  await adapter.restart();
  assert.equal(adapter.state, 'Shutdown');
  await assert.rejects(adapter.restart(), { code: 'ERR_TUN_INVALID_STATE' });
});

test('a thread that blocks right after closing the adapter finds it gone', async () => {
  const { adapter } = await memoryAdapter();
  const device = adapter.openDevice();
  const closing = adapter.close();
  assert.throws(() => device.readSync(undefined, { timeoutMs: 5000 }), {
    code: 'ERR_TUN_FORCED_CLOSED',
  });
  await closing;
});

test('the device name is gone before the adapter is Halting', async () => {
  const { adapter } = await memoryAdapter();
  const name = adapter.deviceName;
  const found: string[] = [];
  adapter.on('state', (state) => {
    try {
      openDevice(name);
      found.push(state);
    } catch (error) {
      found.push(`${state} ${isTunError(error) ? error.code : String(error)}`);
    }
  });
  await adapter.close();
  assert.ok(found.includes(`Halting ${TunErrorCode.NOT_FOUND}`), found.join());
});

test('a closed adapter refuses to have its packet filter set', async () => {
  const { adapter } = await memoryAdapter();
  await adapter.close();
  await assert.rejects(adapter.setInformation(0x1010e, new Uint8Array(4)), {
    code: 'ERR_TUN_FORCED_CLOSED',
  });
});
