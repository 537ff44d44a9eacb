/** One adapter of the kernel in several threads. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { Adapter } from 'typetun';
import { until } from '../support/link-use.ts';
import { startWorker } from '../support/workers.ts';
import { carrierSeen, ip, rootSkip, withNetns } from './support/netns.ts';

const options = { skip: rootSkip('ping') };

async function withAdapter(use: (adapter: Adapter, netns: string) => Promise<void>): Promise<void> {
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({ name: 'tt0', addresses: ['10.7.0.1/24'], netns });
    await use(adapter, netns);
  });
}

async function ping(netns: string, count: number): Promise<void> {
  await carrierSeen(netns, 'tt0');
  const args = ['netns', 'exec', netns, 'ping', '-n', '-i0.01', `-c${count}`, '-W1', '10.7.0.2'];
  const child = spawn('ip', args, { stdio: 'ignore' });
  await new Promise((resolve) => child.once('exit', resolve));
}

test('a worker that blocks on the kernel gets the packet', options, async () => {
  await withAdapter(async (adapter, netns) => {
    const worker = await startWorker(adapter, 'readOnce');
    const message = worker.next();
    const pinging = ping(netns, 1);
    assert.equal(((await message) as number[]).length, 1);
    await pinging;
    await worker.terminate();
  });
});

test('a worker that waits on its event loop gets packets in order', options, async () => {
  await withAdapter(async (adapter, netns) => {
    const worker = await startWorker(adapter, 'readAsync');
    let packets = 0;
    worker.worker.on('message', (found: unknown[]) => {
      packets += found.length;
    });
    await ping(netns, 50);
    assert.ok(await until(() => packets === 50), `${packets}`);
    await worker.terminate();
  });
});

test('two threads that read get every packet once', options, async () => {
  await withAdapter(async (adapter, netns) => {
    const workers = [
      await startWorker(adapter, 'readLoop'),
      await startWorker(adapter, 'readLoop'),
    ];
    const sequences: number[] = [];
    for (const { worker } of workers) {
      worker.on('message', ([sequence, ...packets]: number[]) => {
        for (let i = 0; i < packets.length; i++) sequences.push(sequence! + i);
      });
    }
    await ping(netns, 100);
    assert.ok(await until(() => sequences.length === 100), `${sequences.length}`);
    sequences.sort((a, b) => a - b);
    assert.deepEqual(
      sequences,
      Array.from({ length: 100 }, (_, i) => i),
    );
    for (const worker of workers) await worker.terminate();
  });
});

test('a parked worker is woken by a halt, and the interface goes', options, async () => {
  await withNetns(async (netns) => {
    const adapter = await Adapter.create({ name: 'tt0', addresses: ['10.7.0.1/24'], netns });
    const worker = await startWorker(adapter, 'readOnce');
    await new Promise((resolve) => setTimeout(resolve, 30));
    const ended = worker.next();
    await adapter.close();
    assert.equal(await ended, 'ERR_TUN_FORCED_CLOSED');
    assert.doesNotMatch(await ip('-n', netns, '-o', 'link'), /tt0/);
    await worker.terminate();
  });
});

test('a worker parked in the kernel is terminated within 200 ms', options, async () => {
  await withAdapter(async (adapter) => {
    const took: number[] = [];
    for (let i = 0; i < 5; i++) {
      const worker = await startWorker(adapter, 'readOnce');
      await new Promise((resolve) => setTimeout(resolve, 30));
      const start = performance.now();
      await worker.terminate();
      took.push(performance.now() - start);
    }
    took.sort((a, b) => a - b);
    assert.ok(took[2]! < 200, `${took.join()} ms`);
    assert.ok(await until(() => adapter.openHandles === 0));
  });
});

test('the interface goes also when the owner is a worker that is terminated', options, async () => {
  const { Worker } = await import('node:worker_threads');
  await withNetns(async (netns) => {
    const owner = new Worker(
      `const { parentPort } = require('node:worker_threads');
       import('typetun').then(async ({ Adapter }) => {
         const adapter = await Adapter.create({ name: 'tt0', netns: '${netns}' });
         const { token, transfer } = adapter.share();
         parentPort.postMessage(token, [...transfer]);
         setInterval(() => undefined, 1000);
       });`,
      { eval: true },
    );
    const token = await new Promise<Parameters<typeof Adapter.attach>[0]>((resolve) =>
      owner.once('message', resolve),
    );
    const adapter = await Adapter.attach(token);
    const device = adapter.openDevice();
    const reading = assert.rejects(device.read(), { code: 'ERR_TUN_FORCED_CLOSED' });
    await owner.terminate();
    await reading;
    await adapter.close();
    assert.doesNotMatch(await ip('-n', netns, '-o', 'link'), /tt0/);
  });
});
