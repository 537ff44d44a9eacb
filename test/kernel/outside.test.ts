/** What others do to the device while the adapter is in use, or is not looking. */

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Adapter } from 'typetun';
import { sleep, until } from '../support/link-use.ts';
import { ip, rootSkip, withNetns } from './support/netns.ts';

const options = { skip: rootSkip('ping') };

function ipNow(...args: string[]): void {
  execFileSync('ip', args);
}

/** More notifications than a netlink socket holds while the event loop stands still. */
function flood(netns: string, name: string): void {
  const lines = Array.from({ length: 2000 }, (_, i) => `link set ${name} mtu ${1300 + (i % 100)}`);
  execFileSync('ip', ['-n', netns, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

test('a blocked readSync ends when the interface is removed', options, async () => {
  await withNetns(async (netns) => {
    const adapter = await Adapter.create({ name: 'tt0', addresses: ['10.7.0.1/24'], netns });
    const device = adapter.openDevice();
    const removal = spawn('sh', ['-c', `sleep 0.3; ip -n ${netns} link del tt0`]);
    const start = performance.now();
    assert.throws(() => device.readSync(undefined, { timeoutMs: 20_000 }), {
      code: 'ERR_TUN_ADAPTER_REMOVED',
    });
    assert.ok(performance.now() - start < 10_000);
    await new Promise((resolve) => removal.once('exit', resolve));
    await adapter.close();
    assert.equal(adapter.state, 'Halted');
  });
});

test('after lost notifications the next changes are told again', options, async () => {
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({ name: 'tt0', addresses: ['10.7.0.1/24'], netns });
    flood(netns, 'tt0');
    assert.ok(await until(() => adapter.mtu === 1399), `mtu ${adapter.mtu}`);
    const types: string[] = [];
    adapter.on('link', ({ type }) => types.push(type));
    ipNow('-n', netns, 'link', 'set', 'tt0', 'mtu', '1450');
    assert.ok(await until(() => adapter.mtu === 1450), 'the change after the flood');
    ipNow('-n', netns, 'link', 'del', 'tt0');
    assert.ok(await until(() => adapter.state === 'Halted'), 'the removal after it');
    assert.deepEqual([...new Set(types)], ['mtu', 'removed']);
  });
});

test('an MTU above what an entry holds does not stop smaller packets', options, async () => {
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({ name: 'tt0', addresses: ['10.7.0.1/24'], netns });
    await using device = adapter.openDevice();
    ipNow('-n', netns, 'link', 'set', 'tt0', 'mtu', '65535');
    assert.ok(await until(() => adapter.mtu === 65_535));
    const ping = spawn('ip', ['netns', 'exec', netns, 'ping', '-c1', '-W1', '10.7.0.2']);
    const bundle = device.readSync(new Uint8Array(61_440), { timeoutMs: 5000 });
    assert.equal(bundle?.count, 1);
    await new Promise((resolve) => ping.once('exit', resolve));
  });
});

test('a name that others change is told', options, async () => {
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({ name: 'tt0', netns });
    const types: string[] = [];
    adapter.on('link', ({ type }) => types.push(type));
    ipNow('-n', netns, 'link', 'set', 'tt0', 'down');
    ipNow('-n', netns, 'link', 'set', 'tt0', 'name', 'tt1');
    assert.ok(await until(() => adapter.name === 'tt1'), adapter.name);
    assert.ok(types.includes('name'), types.join());
  });
});

test('a longer queue that others set is drained as well', options, async () => {
  await using adapter = await Adapter.create({
    addresses: ['10.77.0.1/24'],
    prefetch: false,
    hostQueueLength: 10,
  });
  await using device = adapter.openDevice();
  ipNow('link', 'set', adapter.name, 'txqueuelen', '1000');
  const socket = dgram.createSocket('udp4').bind(0, '10.77.0.1');
  await new Promise((resolve) => socket.once('listening', resolve));
  // The notification of the length has to be read before the event loop is left alone.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const sent: Promise<unknown>[] = [];
  await adapter.pause();
  for (let i = 0; i < 600; i++) {
    sent.push(new Promise((resolve) => socket.send('during', 9, '10.77.0.2', resolve)));
  }
  await Promise.all(sent);
  await adapter.restart();
  assert.equal(device.readSync(undefined, { timeoutMs: 50 }), null);
  socket.close();
});

function descriptors(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const kind = readlinkSync(`/proc/self/fd/${fd}`).replace(/[:[].*/, '');
      if (kind === 'socket' || kind === 'anon_inode') counts[kind] = (counts[kind] ?? 0) + 1;
    } catch {
      // The descriptor of the folder itself.
    }
  }
  return counts;
}

const IN_WORKER = `
  const { parentPort } = require('node:worker_threads');
  import('typetun').then(async ({ Adapter }) => {
    const adapter = await Adapter.create({ addresses: ['10.78.0.1/24'] });
    adapter.openDevice();
    parentPort.once('message', async (how) => {
      if (how === 'close') await adapter.close();
      if (how === 'exit') process.exit(0);
      parentPort.postMessage('done');
    });
    parentPort.postMessage('ready');
  });
`;

for (const how of ['close', 'exit', 'terminate'] as const) {
  test(
    `a worker's adapter leaves no descriptor and no device behind: ${how}`,
    options,
    async () => {
      const before = descriptors();
      for (let i = 0; i < 3; i++) {
        const worker = new Worker(IN_WORKER, { eval: true });
        await new Promise((resolve) => worker.once('message', resolve));
        const exited = new Promise((resolve) => worker.once('exit', resolve));
        if (how === 'exit') worker.postMessage(how);
        if (how === 'close') {
          const done = new Promise((resolve) => worker.once('message', resolve));
          worker.postMessage(how);
          await done;
        }
        if (how !== 'exit') await worker.terminate();
        await exited;
      }
      assert.ok(
        await until(() => JSON.stringify(descriptors()) === JSON.stringify(before)),
        `${JSON.stringify(before)} -> ${JSON.stringify(descriptors())}`,
      );
      // What the thread's io_uring still polls the kernel lets go of a moment after the thread.
      const gone = async (): Promise<boolean> => !/10\.78\.0\.1/.test(await ip('-o', 'addr'));
      for (let i = 0; i < 100 && !(await gone()); i++) await sleep(20);
      assert.ok(await gone(), 'the device stays');
    },
  );
}

test('a deleted namespace is not kept alive by a thread of ours', options, async () => {
  const threads = (): Set<string> =>
    new Set(
      readdirSync('/proc/self/task').map((task) => readlinkSync(`/proc/self/task/${task}/ns/net`)),
    );
  const before = threads();
  await withNetns(async (netns) => {
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       import('typetun').then(async ({ Adapter }) => {
         const adapter = await Adapter.create({ netns: '${netns}' });
         parentPort.postMessage('open');
         setInterval(() => undefined, 1000);
       });`,
      { eval: true },
    );
    await new Promise((resolve) => worker.once('message', resolve));
    assert.deepEqual(threads(), before, 'no thread stays in the namespace');
    await worker.terminate();
  });
});
