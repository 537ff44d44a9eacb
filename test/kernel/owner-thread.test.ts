/** An adapter of the kernel that belongs to a worker thread, and what becomes of it and its interface. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Adapter, type AdapterToken } from 'typetun';
import { until } from '../support/link-use.ts';
import { startWorker } from '../support/workers.ts';
import { ip, rootSkip, withNetns } from './support/netns.ts';

const options = { skip: rootSkip() };

/** Owns an adapter; makes a token for "share", and does what it is told otherwise. */
const OWNER = `
  const { parentPort, workerData } = require('node:worker_threads');
  import('typetun').then(async ({ Adapter }) => {
    const adapter = await Adapter.create({ name: 'tt0', netns: workerData });
    parentPort.on('message', async (call) => {
      if (call === 'close') await adapter.close();
      if (call === 'shutdown') adapter.shutdown();
      const { token, transfer } = call === 'share' ? adapter.share() : {};
      parentPort.postMessage(token, [...(transfer ?? [])]);
    });
    parentPort.postMessage('ready');
  });`;

/** Attaches, answers "attached", and leaves when told to. */
const PEER = `
  const { parentPort, workerData } = require('node:worker_threads');
  import('typetun').then(async ({ Adapter }) => {
    const adapter = await Adapter.attach(workerData);
    adapter.openDevice();
    parentPort.on('message', async () => { await adapter.close(); parentPort.postMessage('left'); });
    parentPort.postMessage('attached');
  });`;

async function answer(worker: Worker): Promise<unknown> {
  return await new Promise((resolve) => worker.once('message', resolve));
}

async function ask(worker: Worker, call: string): Promise<unknown> {
  const answered = answer(worker);
  worker.postMessage(call);
  return await answered;
}

async function startOwner(netns: string): Promise<Worker> {
  const owner = new Worker(OWNER, { eval: true, workerData: netns });
  await answer(owner);
  return owner;
}

async function startPeer(owner: Worker): Promise<Worker> {
  const token = (await ask(owner, 'share')) as AdapterToken;
  const peer = new Worker(PEER, { eval: true, workerData: token, transferList: [token.port] });
  await answer(peer);
  return peer;
}

async function goes(netns: string): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    if (!(await ip('-n', netns, '-o', 'link')).includes('tt0')) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

test('a thread that is too busy to hear of the halt survives it', options, async () => {
  await withNetns(async (netns) => {
    const owner = await startOwner(netns);
    const adapter = await Adapter.attach((await ask(owner, 'share')) as AdapterToken);
    const reading = assert.rejects(adapter.openDevice().read(), { code: 'ERR_TUN_FORCED_CLOSED' });
    owner.postMessage('close');
    // Its descriptor is closed meanwhile, which libuv would not forgive.
    const end = performance.now() + 300;
    while (performance.now() < end);
    await reading;
    assert.ok(await goes(netns));
    await adapter.close();
    await owner.terminate();
  });
});

test(
  'a halt removes the interface although another thread does not let go of it',
  options,
  async () => {
    await withNetns(async (netns) => {
      await using adapter = await Adapter.create({ name: 'tt0', netns });
      const worker = await startWorker(adapter, 'stall');
      await adapter.close();
      assert.doesNotMatch(await ip('-n', netns, '-o', 'link'), /tt0/);
      await worker.terminate();
    });
  },
);

for (const [what, end] of [
  [
    'two threads leave it at once',
    async (owner: Worker) => {
      const peers = [await startPeer(owner), await startPeer(owner)];
      await owner.terminate();
      return peers;
    },
  ],
  [
    'the only other thread had left before',
    async (owner: Worker) => {
      const peer = await startPeer(owner);
      await ask(peer, 'leave');
      await owner.terminate();
      return [peer];
    },
  ],
  [
    'it had shut the adapter down',
    async (owner: Worker) => {
      const peer = await startPeer(owner);
      await ask(owner, 'shutdown');
      await owner.terminate();
      return [peer];
    },
  ],
] as const) {
  test(`the interface goes when its owner's thread ends and ${what}`, options, async () => {
    await withNetns(async (netns) => {
      const peers = await end(await startOwner(netns));
      assert.ok(await goes(netns));
      for (const peer of peers) await peer.terminate();
    });
  });
}

/** Descriptors of this process that system calls made, by what they stand for. */
function descriptors(): string {
  const counts = new Map<string, number>();
  for (const fd of readdirSync('/proc/self/fd')) {
    let link: string;
    try {
      link = readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/g, 'N');
    } catch {
      continue;
    }
    // Files that were being read when a thread was terminated Node leaves open itself.
    if (!/^(anon_inode|\/dev)/.test(link)) continue;
    counts.set(link, (counts.get(link) ?? 0) + 1);
  }
  return JSON.stringify([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Blocks in reads of an adapter that it makes, and has made a token of. */
const BLOCKED_OWNER = `
  const { parentPort, workerData } = require('node:worker_threads');
  import('typetun').then(async ({ Adapter }) => {
    const adapter = await Adapter.create({ name: 'tt0', netns: workerData });
    const { token, transfer } = adapter.share();
    const device = adapter.openDevice();
    parentPort.postMessage(token, [...transfer]);
    for (;;) device.readSync(undefined, { timeoutMs: Infinity });
  });`;

/** Blocks in reads of an adapter that it is attached to. */
const BLOCKED_PEER = `
  const { parentPort, workerData } = require('node:worker_threads');
  import('typetun').then(async ({ Adapter }) => {
    const adapter = await Adapter.attach(workerData);
    const device = adapter.openDevice();
    parentPort.postMessage('up');
    for (;;) device.readSync(undefined, { timeoutMs: Infinity });
  });`;

for (const [what, run] of [
  [
    'all its threads are terminated, the owner last',
    async (token: AdapterToken, owner: Worker) => {
      const workerData = token;
      const peer = new Worker(BLOCKED_PEER, {
        ...{ eval: true, workerData, transferList: [token.port] },
      });
      await answer(peer);
      await new Promise((resolve) => setTimeout(resolve, 30));
      await peer.terminate();
      await owner.terminate();
    },
  ],
  [
    'all its threads are terminated, the owner first',
    async (token: AdapterToken, owner: Worker) => {
      const workerData = token;
      const peer = new Worker(BLOCKED_PEER, {
        ...{ eval: true, workerData, transferList: [token.port] },
      });
      await answer(peer);
      await new Promise((resolve) => setTimeout(resolve, 30));
      await owner.terminate();
      await peer.terminate();
    },
  ],
  [
    'the others leave and the owner is terminated',
    async (token: AdapterToken, owner: Worker) => {
      const adapter = await Adapter.attach(token);
      const device = adapter.openDevice();
      device.readSync(undefined, { timeoutMs: 30 });
      await adapter.close();
      await owner.terminate();
    },
  ],
  [
    'the owner is terminated and the others leave',
    async (token: AdapterToken, owner: Worker) => {
      const adapter = await Adapter.attach(token);
      const device = adapter.openDevice();
      device.readSync(undefined, { timeoutMs: 30 });
      await owner.terminate();
      await adapter.close();
    },
  ],
] as const) {
  test(`no descriptor is left when ${what}`, options, async () => {
    await withNetns(async (netns) => {
      const once = async (): Promise<string> => {
        const owner = new Worker(BLOCKED_OWNER, { eval: true, workerData: netns });
        await run((await answer(owner)) as AdapterToken, owner);
        assert.ok(await goes(netns));
        return descriptors();
      };
      // What is made once for the process and stays is there after the first.
      const before = await once();
      for (let i = 0; i < 4; i++) await once();
      assert.ok(await until(() => descriptors() === before), `${before} ${descriptors()}`);
    });
  });
}

test('a packet that is put back wakes the read of another thread', options, async () => {
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({
      addresses: ['10.7.0.1/24'],
      netns,
      offload: 'off',
    });
    const worker = await startWorker(adapter, 'readSmall');
    const device = adapter.openDevice();
    let read = 0;
    const reading = device.read().then(({ count }) => {
      read = count;
    });
    const send = `
      const socket = require('node:dgram').createSocket('udp4');
      socket.bind(4000, '10.7.0.1', () => {
        let left = 41;
        for (let i = 0; i < 41; i++) socket.send(Buffer.alloc(1472), 9, '10.7.0.2', () => --left || socket.close());
      });`;
    // Nothing else that was announced is to wake it.
    await new Promise((resolve) => setTimeout(resolve, 100));
    // This thread is to see none of them before the worker has taken what its buffer holds.
    execFileSync('ip', ['netns', 'exec', netns, process.execPath, '-e', send]);
    const answered = worker.next();
    worker.say('read');
    const end = performance.now() + 200;
    while (performance.now() < end);
    assert.equal(await answered, 40);
    assert.ok(await until(() => read > 0));
    await reading;
    await worker.terminate();
  });
});
