/** The public adapter on Windows' link, over the stand-in whose host is in memory. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { Adapter, MAX_PACKET_BYTES, openDevice, swapAddresses } from 'typetun';
import { pattern, udpPacket } from '../support/ip-packets.ts';
import { until } from '../support/link-use.ts';
import { Standin } from './support/standin.ts';

const standin = new Standin('memory.dll');
const options = { addresses: ['10.7.0.1/24', 'fd07::1/64'], link: standin.provider };
const create = (): Promise<Adapter> => Adapter.create({ ...options, wintun: standin.options });

/** The stand-in's interface indices, from which it makes those of its LUIDs. */
const indexOf = (adapter: Adapter): number => adapter.luidIndex - 0x8000;

const request = (n: number): Uint8Array =>
  udpPacket('10.7.0.1', 4000, '10.7.0.2', 5000, pattern(100, n));
const answer = (n: number): Uint8Array =>
  udpPacket('10.7.0.2', 4000, '10.7.0.1', 5000, pattern(100, n));

test('a program that sends everything back serves what the host sends, bundle by bundle', async () => {
  await using adapter = await create();
  await using device = adapter.openDevice();
  const index = indexOf(adapter);
  const echo = (async () => {
    for await (const bundle of device) {
      for (const packet of bundle) swapAddresses(packet, 0);
      await device.write(bundle);
    }
  })();
  const received: Uint8Array[] = [];
  for (let n = 0; n < 500; n++) assert.ok(standin.hostSend(index, request(n)));
  const all = (): boolean => {
    let packet = standin.hostReceive(index);
    for (; packet !== undefined; packet = standin.hostReceive(index)) received.push(packet);
    return received.length === 500;
  };
  assert.ok(await until(all, 5000), `${received.length} of 500 came back`);
  for (const [n, packet] of received.entries()) assert.deepEqual(packet, answer(n));
  const { bundles, in: indicated, out } = adapter.statistics;
  assert.equal(bundles.packetsRead, 500);
  assert.ok(bundles.maxPackets > 100, `${bundles.maxPackets} packets in one bundle`);
  assert.deepEqual([indicated.unicastPackets, out.unicastPackets], [500, 500]);
  await device.close();
  await echo;
});

test('the device is opened by the name of the original, and the adapter says what it is', async () => {
  await using adapter = await create();
  const { properties } = adapter;
  assert.equal(properties.link, 'windows');
  assert.equal(properties.capabilities.engine, 'ring');
  assert.ok(adapter.luidIndex > 0x8000, 'that of the LUID');
  assert.equal(adapter.deviceName, `\\\\.\\Device\\WINTUN${adapter.luidIndex}`);
  await using device = openDevice(`\\\\.\\Device\\WINTUN${adapter.luidIndex}`);
  standin.hostSend(indexOf(adapter), request(1));
  const bundle = device.readSync(undefined, { timeoutMs: 1000 });
  assert.equal(bundle?.count, 1);
  assert.equal(device.readSync(undefined, { timeoutMs: 30 }), null, 'none came in time');
});

test('a read that waits is woken by a packet', async () => {
  await using adapter = await create();
  await using device = adapter.openDevice();
  const reading = device.read();
  setTimeout(() => standin.hostSend(indexOf(adapter), request(2)), 50);
  const bundle = await reading;
  assert.deepEqual([...bundle][0], request(2));
});

test('a pause and low power drop what the host sends, and count it', async () => {
  await using adapter = await create();
  await using _device = adapter.openDevice();
  const index = indexOf(adapter);
  await adapter.pause();
  for (let n = 0; n < 10; n++) standin.hostSend(index, request(n));
  await adapter.restart();
  await adapter.setPower('D3');
  for (let n = 0; n < 7; n++) standin.hostSend(index, request(n));
  await adapter.setPower('D0');
  const { paused, lowPower } = adapter.statistics.drops;
  assert.deepEqual([paused, lowPower], [10, 7]);
});

test('the adapter sleeps and wakes with the machine, its configuration kept', async () => {
  await using adapter = await create();
  standin.power(4);
  assert.ok(await until(() => adapter.power === 'D3'));
  standin.power(18);
  assert.ok(await until(() => adapter.power === 'D0'));
  assert.deepEqual([...adapter.addresses].sort(), [...options.addresses].sort());
});

test('an adapter that Windows takes away fails its reads, and is closed cleanly', async () => {
  const adapter = await create();
  const device = adapter.openDevice();
  const reading = device.read();
  standin.remove(indexOf(adapter));
  await assert.rejects(reading, { code: 'ERR_TUN_ADAPTER_REMOVED' });
  await adapter.close();
  assert.deepEqual([standin.adapters, standin.sessions], [0, 0]);
});

test('what is too large for the host to send is counted and not delivered', async () => {
  await using adapter = await create();
  await using device = adapter.openDevice();
  const large = udpPacket('10.7.0.1', 1, '10.7.0.2', 2, new Uint8Array(MAX_PACKET_BYTES - 27));
  standin.hostSend(indexOf(adapter), large);
  standin.hostSend(indexOf(adapter), request(3));
  assert.deepEqual([...(await device.read())], [request(3)]);
  assert.equal(adapter.statistics.drops.oversize, 1);
});

test('a process ends by itself when its adapter is closed, and by exit() while it is open', () => {
  const program = (end: string): string => `
    const { Adapter } = await import('typetun');
    const { windowsLink } = await import('#dist/link/windows/provider.js');
    const dll = ${JSON.stringify(standin.path)};
    const link = windowsLink({ iphlpapi: dll, powrprof: dll });
    const adapter = await Adapter.create({ link, wintun: { dll, allowUnsigned: true } });
    const device = adapter.openDevice();
    device.read().catch(() => {});
    setTimeout(async () => { ${end} }, 100);
  `;
  for (const end of ['await adapter.close();', 'process.exit(0);']) {
    const args = ['--input-type=module', '-e', program(end)];
    const { status } = spawnSync(process.execPath, args, { stdio: 'ignore', timeout: 20_000 });
    assert.equal(status, 0, end);
  }
});
