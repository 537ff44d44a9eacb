/** One adapter in several threads, over the in-process link. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Adapter, type AdapterToken } from 'typetun';
import { Claim, ParticipantWord, participantIndex } from '#dist/sync/layout.js';
import { claimOf } from '#dist/sync/participants.js';
import { until } from '../../support/link-use.ts';
import { memoryAdapter } from '../../support/memory-adapter.ts';
import { numberOf, packet, turns } from '../../support/packets.ts';
import { startWorker } from '../../support/workers.ts';

/** Of the test that must not meet a busy machine: how often it tries, with how many packets. */
const ROUNDS = 20;
const PACKETS = 200;

test('a worker that blocks in a read gets the packet', async () => {
  await using subject = await memoryAdapter();
  const worker = await startWorker(subject.adapter, 'readOnce');
  assert.equal(subject.adapter.openHandles, 1);
  assert.equal(subject.adapter.media, 'Connected');
  await new Promise((resolve) => setTimeout(resolve, 30));
  subject.host.send(packet(7));
  assert.deepEqual(await worker.next(), [7]);
  await worker.terminate();
});

test('a worker that reads on its event loop gets packets, and hears of the halt', async () => {
  const { adapter, host } = await memoryAdapter();
  const worker = await startWorker(adapter, 'readAsync');
  for (const number of [1, 2, 3]) {
    const message = worker.next();
    host.send(packet(number));
    assert.deepEqual(await message, [number]);
  }
  const ended = worker.next();
  await adapter.close();
  assert.equal(await ended, 'ERR_TUN_FORCED_CLOSED');
  await worker.terminate();
});

test('iteration ends at a halt that the thread has not heard of yet', async () => {
  const { adapter } = await memoryAdapter();
  const worker = await startWorker(adapter, 'iterateAfterHalt');
  const ended = worker.next();
  worker.say('halted now');
  await adapter.close();
  assert.equal(await ended, true);
  await worker.terminate();
});

test('a packet that comes between two reads of a worker is there for the second', async () => {
  await using subject = await memoryAdapter({ prefetch: false });
  const { adapter, host } = subject;
  const worker = await startWorker(adapter, 'readWhenTold');
  for (let i = 0; i < 5; i++) {
    const alone = worker.next();
    worker.say('read');
    host.send(packet(1));
    assert.deepEqual(await alone, [1]);
    // Announced to a thread that has no read waiting.
    host.send(packet(2));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const waiting = worker.next();
    worker.say('read');
    const late = new Promise((resolve) => setTimeout(resolve, 2000, 'nothing came').unref());
    assert.deepEqual(await Promise.race([waiting, late]), [2]);
  }
  await worker.terminate();
});

test('a thread that has left touches nothing of the one that has its place now', async () => {
  await using subject = await memoryAdapter();
  const { adapter } = subject;
  const { token, transfer } = adapter.share();
  for (const port of transfer) port.close();
  const words = new Int32Array(token.memory);
  const wordOf = (word: number): number => Atomics.load(words, participantIndex(1, word));
  const isFree = (): boolean => wordOf(ParticipantWord.CLAIM) === Claim.FREE;
  assert.ok(await until(isFree));
  const leaver = await startWorker(adapter, 'leave');
  assert.ok(await until(isFree));
  const reader = await startWorker(adapter, 'readOnce');
  assert.ok(await until(() => wordOf(ParticipantWord.INSIDE) === 1));
  const codes: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    const answer = leaver.next();
    leaver.say('pause');
    codes.push(await answer);
    assert.equal(wordOf(ParticipantWord.INSIDE), 1);
  }
  assert.deepEqual(codes, Array(3).fill('ERR_TUN_INVALID_STATE'));
  for (const worker of [leaver, reader]) await worker.terminate();
});

test('a worker that blocks in a read is forced closed by a halt', async () => {
  const { adapter } = await memoryAdapter();
  const worker = await startWorker(adapter, 'readOnce');
  const ended = worker.next();
  await adapter.close();
  assert.equal(await ended, 'ERR_TUN_FORCED_CLOSED');
  assert.equal(adapter.openHandles, 0);
  await worker.terminate();
});

test('what a worker writes reaches the host, and is counted in all threads', async () => {
  await using subject = await memoryAdapter();
  const received: number[] = [];
  subject.host.onPacket((one) => received.push(numberOf(one)));
  const worker = await startWorker(subject.adapter, 'write', { packets: 3 });
  worker.say('go');
  assert.equal(await worker.next(), 3);
  assert.ok(await until(() => received.length === 3));
  assert.equal(subject.adapter.statistics.in.unicastPackets, 3);
  await subject.adapter.pause();
  worker.say('go');
  assert.equal(await worker.next(), 0);
  assert.equal(subject.adapter.statistics.receiveDrops.paused, 3);
  await worker.terminate();
});

test('control calls of a worker are control calls of the adapter, and everyone is told', async () => {
  await using subject = await memoryAdapter();
  const { adapter } = subject;
  const events: string[] = [];
  adapter.on('state', (state) => events.push(state));
  adapter.on('power', (power) => events.push(power));
  const worker = await startWorker(adapter, 'control');
  const call = (name: string): Promise<unknown> => {
    const answer = worker.next();
    worker.say(name);
    return answer;
  };
  assert.deepEqual(await call('pause'), ['Paused', 'D0', 'Disconnected', 1500]);
  assert.equal(adapter.state, 'Paused');
  assert.deepEqual(await call('low'), ['Paused', 'D2', 'Disconnected', 1500]);
  assert.deepEqual(await call('restart'), ['Running', 'D2', 'Disconnected', 1500]);
  assert.deepEqual(await call('high'), ['Running', 'D0', 'Disconnected', 1500]);
  assert.deepEqual(await call('open'), ['Running', 'D0', 'Connected', 1500]);
  assert.ok(await until(() => events.length === 6));
  assert.deepEqual(events, ['Pausing', 'Paused', 'D2', 'Restarting', 'Running', 'D0']);
  await adapter.configure({ mtu: 1300 });
  assert.deepEqual(await call('mtu'), ['Running', 'D0', 'Connected', 1300]);
  for (const refused of ['configure', 'shutdown', 'share']) {
    assert.equal(await call(refused), 'ERR_TUN_UNSUPPORTED');
  }
  await call('close');
  assert.equal(adapter.state, 'Running');
  assert.ok(await until(() => adapter.openHandles === 0));
  await worker.terminate();
});

test('the owner leaves the packets to a thread that reads, and copies none into the queue', async () => {
  await using subject = await memoryAdapter();
  const { adapter, host } = subject;
  const worker = await startWorker(adapter, 'readLoop');
  const numbers: number[] = [];
  worker.worker.on('message', ([, ...found]: number[]) => numbers.push(...found));
  // Only a reader that got nothing done for 10 ms gives the owner a reason to: on a busy machine a
  // round may meet one, but not every round.
  let queued = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS && queued >= PACKETS / 2; round++) {
    numbers.length = 0;
    queued = 0;
    for (let i = 0; i < PACKETS; i++) {
      host.send(packet(i));
      await turns(1);
      queued += adapter.statistics.queued.packets;
    }
    assert.ok(await until(() => numbers.length === PACKETS), `${numbers.length}`);
    assert.deepEqual(
      numbers,
      Array.from({ length: PACKETS }, (_, i) => i),
    );
  }
  assert.ok(
    queued < PACKETS / 2,
    `${queued} packets seen in the queue, in each of ${ROUNDS} rounds`,
  );
  await worker.terminate();
});

test('the queue is filled for a reader that has stalled, under the drop policy of the adapter', async () => {
  await using subject = await memoryAdapter({ hostQueueLength: 10 });
  const { adapter, host } = subject;
  const worker = await startWorker(adapter, 'stall');
  for (let i = 0; i < 1200; i++) {
    host.send(packet(i));
    if (i < 20) await turns(20);
    if (i % 5 === 0) await turns(4);
    if (i === 20) assert.ok(await until(() => adapter.statistics.queued.packets > 0));
  }
  assert.ok(await until(() => adapter.statistics.queued.packets === 1000));
  assert.ok(adapter.statistics.drops.queueFull > 0);
  assert.ok(adapter.statistics.hostDrops <= 20, `${adapter.statistics.hostDrops}`);
  await worker.terminate();
});

test('a thread that has left can do nothing to the adapter any more', async () => {
  await using subject = await memoryAdapter();
  const { adapter } = subject;
  const worker = await startWorker(adapter, 'useAfterLeaving');
  assert.deepEqual(await worker.next(), [
    ...['Halted', 'Unspecified', 'Disconnected'],
    ...['ERR_TUN_DELETE_PENDING', 'ERR_TUN_FORCED_CLOSED', 'ERR_TUN_FORCED_CLOSED'],
    ...['ERR_TUN_INVALID_STATE', 'ERR_TUN_INVALID_STATE', 'ERR_TUN_INVALID_STATE'],
  ]);
  assert.deepEqual([adapter.state, adapter.power, adapter.openHandles], ['Running', 'D0', 0]);
  // Its number is free for another thread, with which it must not interfere.
  const next = await startWorker(adapter, 'readAsync');
  assert.equal(adapter.openHandles, 1);
  await worker.terminate();
  await turns(10);
  assert.equal(adapter.openHandles, 1);
  await next.terminate();
});

for (const program of ['readOnce', 'readLoop', 'readAsync', 'write'] as const) {
  test(`a worker that is terminated (${program}) leaves no handle behind`, async () => {
    await using subject = await memoryAdapter();
    const worker = await startWorker(subject.adapter, program);
    await turns(10);
    const start = performance.now();
    await worker.terminate();
    assert.ok(performance.now() - start < 1000);
    assert.ok(await until(() => subject.adapter.openHandles === 0));
    assert.equal(subject.adapter.media, 'Disconnected');
    const device = subject.adapter.openDevice();
    subject.host.send(packet(1));
    assert.deepEqual([...(await device.read())].map(numberOf), [1]);
    await subject.adapter.pause();
  });
}

test('terminate returns within 200 ms of a parked read', async () => {
  await using subject = await memoryAdapter();
  const took: number[] = [];
  for (let i = 0; i < 5; i++) {
    const worker = await startWorker(subject.adapter, 'readOnce');
    await new Promise((resolve) => setTimeout(resolve, 20));
    const start = performance.now();
    await worker.terminate();
    took.push(performance.now() - start);
  }
  took.sort((a, b) => a - b);
  assert.ok(took[2]! < 200, `${took.join()} ms`);
});

test('a token is good for one thread', async () => {
  await using subject = await memoryAdapter();
  const { token } = subject.adapter.share();
  const other = await Adapter.attach(token);
  await assert.rejects(Adapter.attach(token), { code: 'ERR_TUN_INVALID_STATE' });
  await other.close();
  await other.close();
  await assert.rejects(Adapter.attach(token), { code: 'ERR_TUN_INVALID_STATE' });
});

test('a token whose adapter is gone is refused', async () => {
  const { adapter } = await memoryAdapter();
  const { token } = adapter.share();
  await adapter.close();
  await turns();
  await assert.rejects(Adapter.attach(token), { code: 'ERR_TUN_INVALID_STATE' });
  assert.throws(() => adapter.share(), { code: 'ERR_TUN_FORCED_CLOSED' });
});

test('the sixty-fifth thread is refused, and closing one makes room', async () => {
  await using subject = await memoryAdapter();
  const attached: Adapter[] = [];
  for (let i = 0; i < 63; i++) attached.push(await Adapter.attach(subject.adapter.share().token));
  assert.throws(() => subject.adapter.share(), /64 threads share the adapter already/);
  await attached[0]!.close();
  const again = await Adapter.attach(subject.adapter.share().token);
  for (const one of [again, ...attached]) await one.close();
});

const BROKEN: readonly (readonly [string, (token: AdapterToken) => unknown, RegExp])[] = [
  ['nothing', () => undefined, /by a token of adapter\.share\(\), not by undefined/],
  ['null', () => null, /not by null/],
  ['text', () => 'token', /not by string/],
  ['another version', (token) => ({ ...token, typetun: '0.0.1' }), /of typetun 0\.0\.1, this/],
  ['a lost port', (token) => ({ ...token, port: undefined }), /has lost its port/],
  ['lost memory', (token) => ({ ...token, memory: new ArrayBuffer(8) }), /is damaged/],
  [
    'memory that is too short',
    (token) => ({ ...token, memory: new SharedArrayBuffer(8) }),
    /is damaged/,
  ],
  ['another number', (token) => ({ ...token, participant: -1 }), /is damaged/],
  ['lost options', (token) => ({ ...token, options: undefined }), /is damaged/],
  [
    'other options',
    (token) => ({ ...token, options: { ...token.options, dropPolicy: 'none' } }),
    /is damaged/,
  ],
  ['a lost link', (token) => ({ ...token, link: undefined }), /is damaged/],
  ['another kind of link', (token) => ({ ...token, link: { kind: 'x' } }), /is damaged/],
  [
    'a link without memory',
    (token) => ({ ...token, link: { ...token.link, memory: new SharedArrayBuffer(0) } }),
    /is damaged/,
  ],
];

for (const [what, change, message] of BROKEN) {
  test(`attaching by ${what} is refused`, async () => {
    await using subject = await memoryAdapter();
    const { token } = subject.adapter.share();
    await assert.rejects(Adapter.attach(change(token) as AdapterToken), message);
    await (await Adapter.attach(token)).close();
  });
}

test('an attach that fails at the last gives everything back', async () => {
  await using subject = await memoryAdapter();
  const { token } = subject.adapter.share();
  const port = {
    postMessage: () => undefined,
    on: () => {
      throw new Error('mine');
    },
  };
  const broken = { ...token, port: port as unknown as AdapterToken['port'] };
  await assert.rejects(Adapter.attach(broken), /mine/);
  const words = new Int32Array(token.memory);
  assert.equal(claimOf(words, token.participant), Claim.FREE);
  // The number is there for another thread, and a pause waits for nobody.
  assert.equal(subject.adapter.share().token.participant, token.participant);
  await subject.adapter.pause();
});

test('an adapter whose owner thread is terminated is closed for the others', async () => {
  const { Worker } = await import('node:worker_threads');
  const owner = new Worker(
    `const { parentPort } = require('node:worker_threads');
     import('typetun').then(async ({ Adapter }) => {
       const adapter = await Adapter.create({ link: 'memory' });
       const { token, transfer } = adapter.share();
       parentPort.postMessage(token, [...transfer]);
       setInterval(() => undefined, 1000);
     });`,
    { eval: true },
  );
  const token = await new Promise<AdapterToken>((resolve) => owner.once('message', resolve));
  const adapter = await Adapter.attach(token);
  const device = adapter.openDevice();
  const reading = assert.rejects(device.read(), { code: 'ERR_TUN_FORCED_CLOSED' });
  await owner.terminate();
  await reading;
  assert.equal(adapter.state, 'Shutdown');
  await adapter.close();
});
