/** The three ways with super-packets, as programs see them. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Adapter, type AdapterOptions, type Device } from 'typetun';
import { rootSkip, withNetns } from './support/netns.ts';

const run = promisify(execFile);
const skip = rootSkip('iperf3');
const OFFLOADS = ['split', 'carry', 'off'] as const;
const MEGABYTES = 8;

/** Forwards bundles until an adapter is closed; returns the sizes of packets seen. */
async function forward(from: Device, to: Device, sizes: Set<number>): Promise<void> {
  for await (const bundle of from) {
    for (const packet of bundle) sizes.add(packet.length);
    if (to.closed) return;
    to.writeSync(bundle.bytes);
  }
}

/** A TCP transfer between two namespaces through two adapters; returns the sizes of its packets. */
async function transfer(a: AdapterOptions, b: AdapterOptions, port: number): Promise<Set<number>> {
  const sizes = new Set<number>();
  await withNetns(async (netnsA) => {
    await withNetns(async (netnsB) => {
      await using one = await Adapter.create({ ...a, addresses: ['10.60.0.1/24'], netns: netnsA });
      await using two = await Adapter.create({ ...b, addresses: ['10.60.0.2/24'], netns: netnsB });
      const [first, second] = [one.openDevice(), two.openDevice()];
      const forwarding = [forward(first, second, sizes), forward(second, first, sizes)];
      const server = spawn('ip', [
        ...['netns', 'exec', netnsB, 'iperf3', '--forceflush', '-s', '-1', '-p', `${port}`],
      ]);
      const exit = once(server, 'exit');
      await once(server.stdout, 'data');
      const { stdout } = await run('ip', [
        ...['netns', 'exec', netnsA, 'iperf3', '-c', '10.60.0.2', '-p', `${port}`],
        ...['-n', `${MEGABYTES}M`, '-J'],
      ]);
      const { end } = JSON.parse(stdout) as { end: { sum_received: { bytes: number } } };
      // The last of it may still be on its way when the count is taken.
      assert.ok(end.sum_received.bytes >= (MEGABYTES / 2) * 2 ** 20, `${end.sum_received.bytes}`);
      assert.equal(one.statistics.out.errors + two.statistics.in.errors, 0);
      await Promise.all([one.close(), two.close(), ...forwarding]);
      await exit;
    });
  });
  return sizes;
}

test('split, the default, shows packets of the MTU alone', { skip }, async () => {
  const sizes = await transfer({}, {}, 5301);
  assert.ok(Math.max(...sizes) <= 1500);
});

test('carry shows super-packets, of which each fits an entry', { skip }, async () => {
  const carry = { offload: 'carry' } as const;
  const largest = Math.max(...(await transfer(carry, carry, 5302)));
  assert.ok(largest > 1500 && largest <= 61_424, String(largest));
});

test('what is split goes to an adapter without offload, and back', { skip }, async () => {
  assert.ok(Math.max(...(await transfer({}, { offload: 'off' }, 5303))) <= 1500);
});

test('says what was granted, and limits the super-packets of the kernel', { skip }, async () => {
  for (const offload of OFFLOADS) {
    await using adapter = await Adapter.create({ offload });
    const { properties } = adapter;
    assert.equal(properties.offload, offload);
    const segmentation = offload === 'off' ? [] : ['tso4', 'tso6', 'uso'];
    assert.deepEqual(properties.capabilities.segmentation, segmentation);
    const { stdout } = await run('ip', ['-j', '-d', 'link', 'show', adapter.name]);
    const [link] = JSON.parse(stdout) as { gso_max_size: number; gso_max_segs: number }[];
    if (offload === 'off') continue;
    assert.deepEqual([link!.gso_max_size, link!.gso_max_segs], [61_424, 64]);
  }
});

test('a virtio-net header is refused where none is carried, and a wrong one everywhere', {
  skip,
}, async () => {
  for (const offload of OFFLOADS) {
    await using adapter = await Adapter.create({ addresses: ['10.7.0.1/24'], offload });
    const device = adapter.openDevice();
    const bundle = new Uint8Array(64);
    bundle.set([40, 0, 0, 0], 0);
    bundle[16] = 0x45;
    // Complete a checksum at 20 + 16.
    bundle.set([1, 0, 0, 0, 0, 0, 20, 0, 16, 0], 6);
    if (offload === 'carry') await device.write(bundle);
    else await assert.rejects(device.write(bundle), { code: 'ERR_TUN_BUNDLE_INVALID' });
    // The same, past the end of the packet.
    bundle.set([20, 0, 19, 0], 12);
    await assert.rejects(device.write(bundle), { code: 'ERR_TUN_BUNDLE_INVALID' });
    assert.equal(adapter.statistics.in.errors, offload === 'carry' ? 1 : 2);
  }
});

test('a small read buffer loses nothing of a super-packet', { skip }, async () => {
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({
      addresses: ['10.7.0.1/24'],
      netns,
      prefetch: false,
    });
    const device = adapter.openDevice();
    const script = `
      const socket = require('node:dgram').createSocket('udp4');
      socket.bind(4000, '10.7.0.1', () => {
        let left = 200;
        for (let i = 0; i < 200; i++) {
          socket.send(Buffer.alloc(1400, i), 9, '10.7.0.2', () => --left || socket.close());
        }
      });`;
    await run('ip', ['netns', 'exec', netns, process.execPath, '-e', script]);
    const buffer = new Uint8Array(61_440);
    const seen: number[] = [];
    while (seen.length < 200) {
      for (const packet of await device.read(buffer)) seen.push(packet[packet.length - 1]!);
    }
    assert.deepEqual(seen, [...Array(200).keys()]);
    assert.equal(adapter.statistics.drops.queueFull, 0);
  });
});
