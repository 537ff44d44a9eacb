/** Adapters with several hardware queues: one for each thread, flows that keep to theirs, threads that go. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Adapter, type AdapterOptions } from 'typetun';
import { startWorker, type TestWorker } from '../support/workers.ts';
import { ip, rootSkip, withNetns } from './support/netns.ts';
import { runFlows } from './support/udp-flows.ts';

const options = { skip: rootSkip() };
const FLOWS = 24;

type Reflected = readonly [queue: number, flows: readonly (readonly [number, number, number])[]];

async function withQueues(
  queues: number,
  use: (adapter: Adapter, netns: string) => Promise<void>,
  extra: AdapterOptions = {},
): Promise<void> {
  await withNetns(async (netns) => {
    const addresses = ['10.7.0.1/24'];
    await using adapter = await Adapter.create({ name: 'tt0', addresses, netns, queues, ...extra });
    await use(adapter, netns);
  });
}

/** How many queues of the device the kernel uses, and how many are detached. */
async function attachment(netns: string): Promise<readonly [number, number]> {
  const [{ linkinfo }] = JSON.parse(await ip('-n', netns, '-j', '-d', 'link', 'show', 'tt0'));
  return [linkinfo.info_data.numqueues, linkinfo.info_data.numdisabled];
}

function portsOf([, flows]: Reflected): number[] {
  return flows.map(([port]) => port);
}

/** Waits until workers have seen so many flows; returns those of each. */
async function seenBy(workers: readonly TestWorker[], flows: number): Promise<number[][]> {
  for (let i = 0; i < 200; i++) {
    const seen = (await Promise.all(workers.map((one) => ask(one)))) as Reflected[];
    const ports = seen.map(portsOf);
    if (ports.flat().length === flows) return ports;
    await sleep(20);
  }
  throw new Error(`the threads do not come to have seen ${flows} flows`);
}

/** Starts a worker that holds that queue: one that is free, or about to become free. */
async function startOn(adapter: Adapter, queue: number): Promise<TestWorker> {
  for (let i = 0; i < 50; i++) {
    const worker = await startWorker(adapter, 'hold');
    if ((await ask(worker)) === queue) return worker;
    await worker.terminate();
  }
  throw new Error(`queue ${queue} does not become free`);
}

async function queueOf(worker: TestWorker): Promise<number> {
  const [queue] = (await ask(worker)) as Reflected;
  return queue;
}

async function ask(worker: TestWorker, what = 'queue'): Promise<unknown> {
  const answer = worker.next();
  worker.say(what);
  return answer;
}

for (const offload of ['off', 'split', 'carry'] as const) {
  test(`a flow keeps to one thread, in order: ${offload}`, options, async () => {
    await withQueues(
      3,
      async (adapter, netns) => {
        const workers = [
          await startWorker(adapter, 'reflect'),
          await startWorker(adapter, 'reflect'),
          await startWorker(adapter, 'reflect'),
        ];
        const seen = await runFlows(netns, FLOWS, 1000);
        assert.ok(seen.sent > FLOWS * 8, `${seen.sent} datagrams were sent`);
        assert.equal(seen.received, seen.sent);
        assert.equal(seen.disordered, 0);
        const reflected = (await Promise.all(workers.map((one) => ask(one)))) as Reflected[];
        assert.deepEqual(
          reflected.map(([queue]) => queue),
          [1, 2, 0],
        );
        const ports = reflected.flatMap(([, flows]) => flows.map(([port]) => port));
        assert.equal(ports.length, FLOWS, 'each flow was seen by one thread');
        assert.equal(new Set(ports).size, FLOWS);
        for (const [queue, flows] of reflected) {
          assert.ok(flows.length > 0, `queue ${queue} has had flows`);
          for (const [port, , disordered] of flows) assert.equal(disordered, 0, `port ${port}`);
        }
        for (const worker of workers) await worker.terminate();
      },
      { offload },
    );
  });
}

test('a thread that dies loses its queue, and its flows go on in others', options, async () => {
  await withQueues(2, async (adapter, netns) => {
    const stays = await startWorker(adapter, 'reflect');
    const dies = await startWorker(adapter, 'reflect');
    assert.deepEqual(await attachment(netns), [2, 0]);
    const running = runFlows(netns, FLOWS, 2500);
    await sleep(700);
    const [, flows] = (await ask(dies)) as Reflected;
    assert.ok(flows.length > 0, 'it had flows to lose');
    await dies.terminate();
    const seen = await running;
    assert.equal(seen.silentAtEnd, 0);
    assert.equal(seen.disordered, 0);
    // What it had in its hand at that moment; the rest moved on.
    const lost = seen.sent - seen.received;
    assert.ok(lost <= FLOWS * 4, `${lost} of ${seen.sent} were lost`);
    const [, afterwards] = (await ask(stays)) as Reflected;
    assert.equal(afterwards.length, FLOWS);
    await stays.terminate();
  });
});

for (const silent of [false, true]) {
  for (const how of ['closes', 'dies'] as const) {
    const replies = silent ? ', without replies' : '';
    test(`when a thread ${how} the flows of the others stay${replies}`, options, async () => {
      await withQueues(4, async (adapter, netns) => {
        const workers: TestWorker[] = [];
        for (let i = 0; i < 4; i++) workers.push(await startWorker(adapter, 'reflect', { silent }));
        const goes = workers[1];
        const stay = workers.filter((one) => one !== goes);
        try {
          const running = runFlows(netns, FLOWS, 6000);
          const before = await seenBy(workers, FLOWS);
          const had = before[1]!;
          assert.ok(had.length > 0, 'it has flows to lose');
          if (how === 'closes') await ask(goes!, 'close');
          else await goes!.terminate();
          await seenBy(stay, FLOWS);
          // The queue has a thread again.
          if (how === 'closes') await ask(goes!, 'open');
          else workers[1] = await startWorker(adapter, 'reflect', { silent });
          // Flows that were answered are the heir's by now; others are the thread's that has the queue.
          if (silent) await seenBy([workers[1]!], had.length);
          const seen = await running;
          assert.equal(seen.disordered, 0);
          const after = (await Promise.all(workers.map((one) => ask(one)))) as Reflected[];
          assert.deepEqual(
            after.map(([queue]) => queue),
            [1, 2, 3, 0],
          );
          for (const [i, reflected] of after.entries()) {
            const mine = [...before[i]!, ...had];
            const others = portsOf(reflected).filter((port) => !mine.includes(port));
            assert.deepEqual(others, [], `queue ${reflected[0]} got flows of a thread that stays`);
            for (const [port, , disordered] of reflected[1]) assert.equal(disordered, 0, `${port}`);
          }
          const stayed = after.filter((_, i) => i !== 1).flatMap(portsOf);
          assert.equal(stayed.length, FLOWS, 'each flow was seen by one thread that stays');
          assert.equal(new Set(stayed).size, FLOWS);
        } finally {
          for (const worker of workers) await worker.terminate();
        }
      });
    });
  }
}

test('the kernel uses all queues, whoever reads them', options, async () => {
  await withQueues(3, async (adapter, netns) => {
    assert.equal(adapter.properties.capabilities.queues, 3);
    assert.equal(adapter.properties.queue, 0);
    assert.deepEqual(await attachment(netns), [3, 0]);
    const first = await startWorker(adapter, 'reflect');
    // It reads for the others: the queues that the kernel would leave if it were told are these.
    const seen = await runFlows(netns, FLOWS, 200);
    assert.equal(seen.received, seen.sent);
    assert.equal(seen.disordered, 0);
    const second = await startWorker(adapter, 'hold');
    assert.deepEqual(await Promise.all([queueOf(first), ask(second)]), [1, 2]);
    const device = adapter.openDevice();
    // All queues are taken: it shares the owner's.
    const third = await startWorker(adapter, 'hold');
    assert.equal(await ask(third), 0);
    await device.close();
    await ask(third, 'close');
    await first.terminate();
    // Its queue is free again, as soon as the owner hears of it.
    const fourth = await startOn(adapter, 1);
    await ask(second, 'close');
    await ask(fourth, 'close');
    assert.deepEqual(await attachment(netns), [3, 0]);
    for (const worker of [second, third, fourth]) await worker.terminate();
  });
});

test('a reader that blocks gets what comes to queues that nobody else reads', options, async () => {
  await withQueues(4, async (adapter, netns) => {
    const holder = await startWorker(adapter, 'hold');
    const device = adapter.openDevice();
    await ask(holder, 'close');
    const sending = runFlows(netns, FLOWS, 1);
    const found = new Set<number>();
    // One packet of each flow is enough to know its queue, and the process needs time to start.
    for (let i = 0; i < 40 && found.size < FLOWS; i++) {
      const bundle = device.readSync(undefined, { timeoutMs: 50 });
      for (const packet of bundle ?? [])
        found.add(new DataView(packet.buffer, packet.byteOffset).getUint16(20));
    }
    assert.equal(found.size, FLOWS);
    await sending;
    await holder.terminate();
  });
});

test('what waits for a thread that closes its handle moves on to another', options, async () => {
  await withQueues(2, async (adapter, netns) => {
    const holder = await startWorker(adapter, 'hold');
    // All flows go to its queue: it alone has a handle.
    const sending = runFlows(netns, 8, 1);
    await sending;
    const device = adapter.openDevice();
    await ask(holder, 'close');
    const found: number[] = [];
    for (;;) {
      const bundle = device.readSync(undefined, { timeoutMs: 50 });
      if (bundle === null) break;
      for (const packet of bundle)
        found.push(new DataView(packet.buffer, packet.byteOffset).getUint16(20));
    }
    assert.equal(new Set(found).size, 8);
    assert.equal(found.length, 32);
    const { taken, drops } = adapter.statistics;
    assert.equal(taken, 32);
    assert.equal(
      Object.values(drops).reduce((sum, count) => sum + count, 0),
      0,
    );
    await holder.terminate();
  });
});

test('a restart delivers nothing of what was sent during the pause', options, async () => {
  await withQueues(2, async (adapter, netns) => {
    const holder = await startWorker(adapter, 'hold');
    await adapter.pause();
    const seen = await runFlows(netns, 8, 1);
    await adapter.restart();
    const { taken, drops } = adapter.statistics;
    assert.equal(seen.sent, 32);
    assert.equal(drops.paused, seen.sent);
    assert.equal(taken, seen.sent);
    await holder.terminate();
  });
});

test('two adapters of many queues leave nothing behind', options, async () => {
  await withNetns(async (netns) => {
    for (let i = 0; i < 2; i++) {
      const adapter = await Adapter.create({ name: 'tt0', netns, queues: 16 });
      const worker = await startWorker(adapter, 'hold');
      await adapter.close();
      assert.doesNotMatch(await ip('-n', netns, '-o', 'link'), /tt0/);
      await worker.terminate();
    }
  });
});
