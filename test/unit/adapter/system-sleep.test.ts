/** What the machine's sleep does to an adapter. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_BUNDLE_BYTES } from 'typetun';
import { memoryAdapter } from '../../support/memory-adapter.ts';
import { turns } from '../../support/packets.ts';
import { until } from '../../support/until.ts';
import { startWorker } from '../../support/workers.ts';

test('a suspend lowers power; a resume restores it, with configuration and handles', async () => {
  await using made = await memoryAdapter();
  const { adapter, host } = made;
  await adapter.configure({ mtu: 1400, addresses: ['10.9.0.1/24'] });
  await using device = adapter.openDevice();
  const powers: string[] = [];
  adapter.on('power', (power) => powers.push(power));
  const buffer = new Uint8Array(MAX_BUNDLE_BYTES);
  const read = device.read(buffer);

  host.suspend();
  await until(() => adapter.power === 'D3');
  assert.equal(adapter.state, 'Running');
  const asleep = await host.ping('10.9.0.2', { timeoutMs: 20 });
  assert.equal(asleep.received, false);

  host.resume();
  await until(() => adapter.power === 'D0');
  assert.deepEqual(powers, ['D3', 'D0']);
  assert.deepEqual([adapter.mtu, adapter.addresses], [1400, ['10.9.0.1/24']]);
  assert.equal(adapter.openHandles, 1);
  assert.equal(adapter.statistics.drops.lowPower, 1);
  const ping = host.ping('10.9.0.2', { timeoutMs: 20 });
  assert.ok((await read).count > 0, 'the read that waited all the while is served');
  await ping;
});

test('a resume that comes right behind its suspend leaves the power on', async () => {
  await using made = await memoryAdapter();
  const powers: string[] = [];
  made.adapter.on('power', (power) => powers.push(power));
  made.host.suspend();
  made.host.resume();
  await until(() => powers.length === 2);
  assert.deepEqual(powers, ['D3', 'D0']);
});

test('a power that the program lowered is still low after a sleep', async () => {
  await using made = await memoryAdapter();
  const { adapter, host } = made;
  await adapter.setPower('D2');
  host.suspend();
  host.resume();
  await adapter.setPower('D2');
  assert.equal(adapter.power, 'D2');
});

test('a power that the program changes while the machine sleeps is kept', async () => {
  for (const power of ['D0', 'D1'] as const) {
    await using made = await memoryAdapter();
    const { adapter, host } = made;
    host.suspend();
    await adapter.setPower(power);
    host.resume();
    host.resume();
    await adapter.pause();
    assert.equal(adapter.power, power);
  }
});

test('a power that the program sets while the machine sleeps is its own, also the same', async () => {
  await using made = await memoryAdapter();
  const { adapter, host } = made;
  host.suspend();
  await adapter.setPower('D0');
  await adapter.setPower('D3');
  host.resume();
  await adapter.pause();
  assert.equal(adapter.power, 'D3');
});

test('a power that another thread sets while the machine sleeps is kept', async () => {
  await using made = await memoryAdapter();
  const { adapter, host } = made;
  const worker = await startWorker(adapter, 'control');
  host.suspend();
  await until(() => adapter.power === 'D3');
  for (const call of ['high', 'lowest']) {
    const done = worker.next();
    worker.say(call);
    await done;
  }
  await turns(10);
  host.resume();
  await adapter.pause();
  assert.equal(adapter.power, 'D3');
  await worker.terminate();
});

test('a paused adapter sleeps and wakes as paused', async () => {
  await using made = await memoryAdapter();
  const { adapter, host } = made;
  await adapter.pause();
  host.suspend();
  await until(() => adapter.power === 'D3');
  host.resume();
  await until(() => adapter.power === 'D0');
  assert.equal(adapter.state, 'Paused');
});

test('a sleep meets an adapter that is shut down, or being closed, in silence', async () => {
  const down = await memoryAdapter();
  down.adapter.shutdown();
  down.host.suspend();
  down.host.resume();
  await down.adapter.close();

  const { adapter, host } = await memoryAdapter();
  const closing = adapter.close();
  host.suspend();
  host.resume();
  await closing;
  assert.equal(adapter.power, 'Unspecified');
});
