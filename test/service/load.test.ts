/** Many clients at once, and clients that are killed. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BundleReader, BundleWriter } from 'typetun';
import { type AdapterConfig, HostDevice } from 'typetun/service';
import { rootSkip, withNetns } from '../kernel/support/netns.ts';
import { toolSkip } from '../support/root.ts';
import { echoRequest } from './support/ping.ts';
import { ROOT, type Served, scratch, serve } from './support/serve.ts';

const MANY = 100;
const ROUNDS = 10;
const CLIENT = join(ROOT, 'examples', 'device-client.py');

/** One client on each of many adapters, all at once: each gets the answers to its own packets, and no others. */
async function manyClients(host: Served, further: Partial<AdapterConfig>): Promise<void> {
  const devices = await Promise.all(
    Array.from({ length: MANY }, async (_, i) => {
      const addresses = [`10.6.${i}.1/24`];
      const made = await host.control.call('adapter.create', {
        name: `ld${i}`,
        addresses,
        ...further,
      });
      return HostDevice.open(made.socket, { client: made.name });
    }),
  );
  await Promise.all(
    devices.map(async (device, i) => {
      const [near, far] = [`10.6.${i}.1`, `10.6.${i}.2`];
      const writer = new BundleWriter();
      writer.append(echoRequest(far, near));
      const reader = new BundleReader();
      for (let round = 0; round < ROUNDS; round++) {
        const answer = device.read();
        // What the system answers before it has seen the carrier of the new interface, it drops.
        let bundle: Uint8Array | undefined;
        while (bundle === undefined) {
          assert.equal(await device.write(writer), 1);
          bundle = await Promise.race([answer, sleep(200, undefined)]);
        }
        reader.reset(bundle);
        assert.ok(reader.next());
        assert.deepEqual(
          [...bundle.subarray(reader.offset + 16, reader.offset + 20)],
          [10, 6, i, 2],
        );
      }
    }),
  );
  const { clients, adapters } = await host.control.call('host.info');
  assert.deepEqual([clients, adapters], [MANY, MANY]);
  await Promise.all(devices.map((device) => device.close()));
}

test(`${MANY} clients on ${MANY} adapters in process each get their own`, async () => {
  using folder = scratch();
  await using host = await serve(join(folder.path, 'run'));
  await manyClients(host, { link: 'memory' });
});

test(`${MANY} clients on ${MANY} adapters of the kernel each get their own`, {
  skip: rootSkip(),
}, async () => {
  using folder = scratch();
  await withNetns(async (netns) => {
    await using host = await serve(join(folder.path, 'run'));
    await manyClients(host, { netns });
    assert.equal(await host.stop(), 0);
  });
});

describe('clients that are killed', { skip: toolSkip('python3') }, () => {
  test('at random leave the device to the others, and nothing behind', async () => {
    using folder = scratch();
    await using host = await serve(join(folder.path, 'run'));
    const config = { name: 'k0', link: 'memory', addresses: ['10.7.0.1/24'] } as const;
    const { socket } = await host.control.call('adapter.create', config);
    await using device = await HostDevice.open(socket);
    const before = await host.control.call('debug');
    const writer = new BundleWriter();
    writer.append(echoRequest('10.7.0.9', '10.7.0.1'));
    let writing = true;
    const traffic = (async () => {
      while (writing) {
        assert.equal(await device.write(writer), 1);
        await sleep(1);
      }
    })();
    const killed = async (): Promise<void> => {
      const child: ChildProcess = spawn('python3', [CLIENT, socket], { stdio: 'ignore' });
      await sleep(20 + Math.random() * 200);
      child.kill('SIGKILL');
      await once(child, 'close');
    };
    for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 5 }, killed));
    writing = false;
    await traffic;
    const read = device.read();
    assert.equal(await device.write(writer), 1);
    assert.ok((await read).length > 0);
    let shown = await host.control.call('adapter.show', { adapter: 'k0' });
    while (shown.clients.length > 1) {
      shown = await host.control.call('adapter.show', { adapter: 'k0' });
    }
    const after = await host.control.call('debug');
    assert.equal(after.descriptors, before.descriptors);
    assert.equal(device.reconnects, 0);
  });
});
