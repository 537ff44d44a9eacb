import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { MemoryHost } from 'typetun/testing';
import { type Link, type LinkConfig, type LinkEvent, TakeResult } from '#dist/link/link.js';
import { memoryLink } from '#dist/link/memory/provider.js';
import { runScript } from '../../support/child.ts';
import { givePackets, linkConfig, sleep, takePackets, until } from '../../support/link-use.ts';
import { numberOf, packet } from '../../support/packets.ts';

interface Setup {
  readonly host: MemoryHost;
  readonly link: Link;
}

async function open(
  config: Partial<LinkConfig> = {},
  options: ConstructorParameters<typeof MemoryHost>[0] = {},
): Promise<Setup> {
  const host = new MemoryHost(options);
  return { host, link: await host.provider().open({ ...linkConfig, ...config }) };
}

test('drops at the tail when the host queue is full, counts it, and keeps what came first', async () => {
  const { host, link } = await open({ hostQueueLength: 10 });
  for (let i = 0; i < 25; i++) assert.equal(host.send(packet(i)), true, 'the sender is not told');
  assert.equal(link.hostDrops(), 15);
  assert.equal(host.statistics.sent.queueFull, 15);
  assert.deepEqual(takePackets(link).map(numberOf), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  host.send(packet(99));
  assert.deepEqual(takePackets(link).map(numberOf), [99]);
  await link.close();
  assert.equal(link.hostDrops(), 15, 'also after the end');
});

test('the host queue holds its length in packets of the MTU, also after the MTU was raised', async () => {
  const { host, link } = await open({ hostQueueLength: 200, mtu: 1280 });
  for (let i = 0; i < 200; i++) host.send(packet(i, 1280));
  assert.equal(link.hostDrops(), 0);
  assert.equal(takePackets(link).length, 200);
  link.configure({ mtu: 61_424 });
  for (let i = 0; i < 200; i++) host.send(packet(i, 61_424));
  assert.equal(link.hostDrops(), 0);
  const numbers: number[] = [];
  while (numbers.length < 200) numbers.push(...takePackets(link).map(numberOf));
  assert.deepEqual(numbers, [...Array(200).keys()]);
  await link.close();
});

test('a host queue longer than its memory is bounded by bytes', async () => {
  const { host, link } = await open({ hostQueueLength: 1_000_000, mtu: 61_424 });
  for (let i = 0; i < 1100; i++) host.send(packet(i, 61_424));
  assert.equal(link.hostDrops(), 100, '61,440,000 bytes of entries');
  await link.close();
});

test('a host without room refuses what does not fit, and says which', async () => {
  const { host, link } = await open({}, { queueLength: 3 });
  const { delivered, result, lengths } = givePackets(
    link,
    [0, 1, 2, 3, 4].map((number) => packet(number)),
  );
  assert.equal(delivered, 3);
  assert.deepEqual({ ...result }, { packets: 3, octets: 3 * 64, refused: 2 });
  assert.deepEqual(lengths, [64, 64, 64, 0, 0]);
  assert.equal(host.statistics.received.refused, 2);
  assert.equal(givePackets(link, [packet(5)]).delivered, 1, 'room again');
  await link.close();
});

test('a host that is down refuses every packet, and takes them when it is up again', async () => {
  const { host, link } = await open();
  host.setUp(false);
  const down = givePackets(link, [packet(0), packet(1)]);
  assert.deepEqual([down.delivered, down.result.refused, down.lengths], [0, 2, [0, 0]]);
  link.configure({ up: true });
  assert.equal(givePackets(link, [packet(2)]).delivered, 1);
  assert.equal(host.statistics.received.packets, 1);
  await link.close();
});

test('what is injected past the checks is thrown away by the next take, and counted apart', async () => {
  const { host, link } = await open();
  const result = new TakeResult();
  const buffer = new Uint8Array(0x20000);
  assert.equal(host.inject(new Uint8Array(61_425).fill(0x45)), true);
  assert.equal(host.inject(new Uint8Array(40).fill(0x77)), true);
  assert.equal(host.inject(new Uint8Array(0)), true);
  assert.equal(host.inject(packet(5, 61_424)), true);
  assert.ok(link.take(buffer, 0, 256, result) > 0);
  assert.deepEqual(
    { ...result },
    {
      packets: 1,
      octets: 61_424,
      oversize: 1,
      unreadable: 2,
      remainderPackets: 0,
      remainderOctets: 0,
      emptied: true,
    },
  );
  assert.equal(link.take(buffer, 0, 256, result), 0);
  assert.equal(result.oversize + result.unreadable, 0, 'reported once');
  host.inject(new Uint8Array(3));
  link.discardPending(result);
  assert.deepEqual([result.packets, result.unreadable], [0, 1]);
  await link.close();
  assert.equal(host.inject(packet(1)), false);
});

test('the watch calls back for what can only be thrown away, too', async () => {
  const { host, link } = await open();
  let calls = 0;
  const watch = link.watch(() => {
    calls++;
    takePackets(link);
  });
  watch.start();
  host.inject(new Uint8Array(3));
  assert.ok(await until(() => calls > 0));
  watch.stop();
  await link.close();
});

test('reports what the host does to the device, from the event loop, in order, with its new state', async () => {
  const { host, link } = await open();
  const events: LinkEvent[] = [];
  link.onEvent((event) => events.push(event));
  host.setUp(false);
  host.setMtu(1400);
  host.setAddresses(['10.9.0.1/16']);
  host.setUp(true);
  assert.equal(events.length, 0, 'not from within the call');
  assert.equal(link.info.mtu, 1400);
  host.removeDevice();
  assert.ok(await until(() => events.length === 5));
  assert.deepEqual(
    events.map(({ type, info }) => [type, info.up, info.mtu, info.addresses.join()]),
    [
      ['down', false, 1500, '10.7.0.1/24,fd07::1/64'],
      ['mtu', false, 1400, '10.7.0.1/24,fd07::1/64'],
      ['address', false, 1400, '10.9.0.1/16'],
      ['up', true, 1400, '10.9.0.1/16'],
      ['removed', true, 1400, '10.9.0.1/16'],
    ],
  );
  await link.close();
});

test('changes made through the link are not events, and nothing is reported after close', async () => {
  const { host, link } = await open();
  let events = 0;
  link.onEvent(() => events++);
  link.configure({ mtu: 1300, up: false });
  await sleep(5);
  host.setUp(true);
  await link.close();
  await sleep(5);
  assert.equal(events, 0);
});

test('a removed device is closed both ways, its queue gone, and close still works', async () => {
  const { host, link } = await open();
  host.send(packet(1));
  host.removeDevice();
  host.removeDevice();
  assert.equal(link.take(new Uint8Array(0xf000), 0, 256, new TakeResult()), -1);
  const given = givePackets(link, [packet(1), packet(2)]);
  assert.deepEqual([given.delivered, given.result.refused, given.lengths], [-1, 2, [0, 0]]);
  assert.throws(() => link.configure({ mtu: 1300 }), { code: 'ERR_TUN_CONFIGURATION' });
  await link.close();
  const again = await host.provider().open(linkConfig);
  assert.equal(again.take(new Uint8Array(0xf000), 0, 256, new TakeResult()), 0);
  await again.close();
});

test('a change is refused whole, naming the value, and the device stays as it was', async () => {
  const { link } = await open();
  const before = link.info;
  for (const mtu of [575, 61_425, 1279, Number.NaN]) {
    assert.throws(() => link.configure({ mtu, addresses: ['10.9.0.1/16', 'fd09::1/64'] }), {
      code: 'ERR_TUN_CONFIGURATION',
      message: new RegExp(`MTU ${mtu} `),
    });
  }
  assert.throws(() => link.configure({ mtu: 2000, addresses: ['nonsense'] }), TypeError);
  assert.deepEqual(link.info, before);
  await link.close();
});

test('park lets delayed packets come, on the thread that is parked', async () => {
  const { host, link } = await open({}, { faults: { send: { delayMs: 15 } } });
  const words = new Int32Array(new SharedArrayBuffer(4)).fill(1);
  const took: number[] = [];
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    host.send(packet(round));
    let waits = 0;
    while (takePackets(link).length === 0 && waits < 100) {
      link.park(0, words, 0, 100);
      waits++;
    }
    took.push(performance.now() - start);
  }
  assert.ok(Math.min(...took) >= 14, `${took.join()} ms`);
  // It would be 100 ms each if it did not know when to wake; a busy machine may spoil some.
  assert.ok(Math.min(...took) < 60, `${took.join()} ms`);
  await link.close();
});

test('park ends at once when another thread changes the word and notifies', async () => {
  const { link } = await open();
  const words = new Int32Array(new SharedArrayBuffer(8));
  words[0] = 1;
  const worker = new Worker(NOTIFIER, { eval: true, workerData: words });
  await once(worker, 'message');
  const took: number[] = [];
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    Atomics.store(words, 1, round + 1);
    Atomics.notify(words, 1);
    while (Atomics.load(words, 0) === 1) link.park(0, words, 0, 100);
    took.push(performance.now() - start);
    Atomics.store(words, 0, 1);
  }
  // Without the notification each round would take 100 ms; a busy machine may spoil some.
  assert.ok(Math.min(...took) < 60, `${took.join()} ms`);
  await worker.terminate();
  await link.close();
});

/** Wakes word 0 whenever word 1 has changed, 10 ms later. */
const NOTIFIER = `
  const { parentPort, workerData: words } = require('node:worker_threads');
  parentPort.postMessage('running');
  for (let round = 0; round < 5; round++) {
    Atomics.wait(words, 1, round);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    Atomics.store(words, 0, 0);
    Atomics.notify(words, 0);
  }
`;

test('park answers what is delayed on its way to the host, too', async () => {
  const { host, link } = await open({}, { faults: { receive: { delayMs: 15 } } });
  const words = new Int32Array(new SharedArrayBuffer(4)).fill(1);
  let received = 0;
  host.onPacket(() => received++);
  givePackets(link, [packet(1)]);
  assert.equal(received, 0);
  for (let waits = 0; received === 0 && waits < 5; waits++) link.park(0, words, 0, 100);
  assert.equal(received, 1);
  await link.close();
});

test('every device of the provider for link: "memory" has a host of its own', async () => {
  const provider = memoryLink();
  assert.equal(provider.name, 'memory');
  const [first, second] = await Promise.all([provider.open(linkConfig), provider.open(linkConfig)]);
  assert.notEqual(first.info.name, second.info.name);
  await Promise.all([first.close(), second.close()]);
});

const SCRIPT = `
  const { MemoryHost } = await import('typetun/testing');
  const host = new MemoryHost({ faults: { receive: { delayMs: 60000 } } });
  const link = await host.provider().open(${JSON.stringify(linkConfig)});
  const packet = Uint8Array.from(${JSON.stringify([...packet(1)])});
`;

test('neither a packet that nobody takes nor a delay or event keeps the process alive', async () => {
  const { status, stdout, stderr, tookMs } = await runScript(`${SCRIPT}
    link.onEvent(() => undefined);
    host.setMtu(1400);
    const watch = link.watch(() => undefined);
    watch.start();
    host.send(packet);
    host.setFaults({ send: { delayMs: 60000, reorder: 0.5 } });
    for (let i = 0; i < 20; i++) host.send(packet);
    setTimeout(() => console.log('the end'), 20);
  `);
  assert.equal(stderr, '');
  assert.equal(stdout.trim(), 'the end');
  assert.equal(status, 0);
  assert.ok(tookMs < 5000, `ended after ${tookMs} ms`);
});

test('a packet is reported at once although only a far-off timer holds the event loop', async () => {
  const { stdout, stderr } = await runScript(`${SCRIPT}
    const hold = setTimeout(() => undefined, 5000);
    let sentAt;
    link.watch(() => {
      console.log(performance.now() - sentAt);
      clearTimeout(hold);
      void link.close();
    }).start();
    setTimeout(() => {
      sentAt = performance.now();
      host.send(packet);
    }, 50);
  `);
  assert.equal(stderr, '');
  assert.ok(Number(stdout) < 500, `${stdout.trim()} ms`);
});

test('a ping that is awaited keeps the process alive until it is settled', async () => {
  const { stdout, status } = await runScript(`${SCRIPT}
    console.log((await host.ping('10.7.0.2', { timeoutMs: 50 })).received);
  `);
  assert.equal(stdout.trim(), 'false');
  assert.equal(status, 0);
});

test('a ping that is settled holds nothing any more', async () => {
  const { stdout, tookMs } = await runScript(`${SCRIPT}
    const ping = host.ping('10.7.0.2', { timeoutMs: 60000 });
    host.removeDevice();
    console.log((await ping).received);
  `);
  assert.equal(stdout.trim(), 'false');
  assert.ok(tookMs < 5000, `ended after ${tookMs} ms`);
});

test('works in a worker thread, which ends by itself', async () => {
  const inWorker = `
    ${SCRIPT}
    const { parentPort } = await import('node:worker_threads');
    const hold = setTimeout(() => undefined, 5000);
    link.watch(() => {
      parentPort.postMessage('readable');
      clearTimeout(hold);
    }).start();
    host.send(packet);
  `;
  const { stdout, stderr, tookMs } = await runScript(`
    import { Worker } from 'node:worker_threads';
    const worker = new Worker(${JSON.stringify(inWorker)}, { eval: true });
    worker.once('message', (message) => console.log(message));
    worker.once('exit', (status) => console.log('exit', status));
  `);
  assert.equal(stderr, '');
  assert.equal(stdout, 'readable\nexit 0\n');
  assert.ok(tookMs < 4000, `ended after ${tookMs} ms`);
});
