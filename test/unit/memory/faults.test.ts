import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HostFaults, MemoryHost, VirtualClock } from 'typetun/testing';
import type { Link } from '#dist/link/link.js';
import { fateOf } from '../../reference/faults.ts';
import { echoPacket, ipPacket, pattern, udpPacket } from '../../support/ip-packets.ts';
import { givePackets, linkConfig, reflectAll, sleep, takePackets } from '../../support/link-use.ts';
import { numberOf, packet } from '../../support/packets.ts';

const SEND_STREAM = 1;
const RECEIVE_STREAM = 2;
const PACKETS = 1000;

interface Setup {
  readonly host: MemoryHost;
  readonly link: Link;
  readonly clock: VirtualClock;
}

async function setUp(seed: number, faults: HostFaults): Promise<Setup> {
  const clock = new VirtualClock();
  const host = new MemoryHost({ seed, faults, clock });
  const link = await host.provider().open({ ...linkConfig, hostQueueLength: 4 * PACKETS });
  return { host, link, clock };
}

function takeNumbers(link: Link): number[] {
  const numbers: number[] = [];
  for (;;) {
    const packets = takePackets(link);
    if (packets.length === 0) return numbers;
    numbers.push(...packets.map((bytes) => numberOf(bytes)));
  }
}

/** Numbers of the packets that arrive of `count` sent ones, after everything held has been let go. */
async function sendThrough(seed: number, faults: HostFaults, count = PACKETS): Promise<number[]> {
  const { host, link, clock } = await setUp(seed, faults);
  for (let i = 0; i < count; i++) host.send(packet(i));
  clock.advance(1000);
  const numbers = takeNumbers(link);
  await link.close();
  return numbers;
}

/** Numbers of the packets that reach the host of `count` given ones. */
async function giveThrough(seed: number, faults: HostFaults, count = PACKETS): Promise<number[]> {
  const { host, link, clock } = await setUp(seed, faults);
  const numbers: number[] = [];
  host.onPacket((bytes) => numbers.push(numberOf(bytes)));
  for (let i = 0; i < count; i += 100) {
    givePackets(
      link,
      Array.from({ length: 100 }, (_, n) => packet(i + n)),
    );
  }
  clock.advance(1000);
  await link.close();
  return numbers;
}

const everything = { loss: 0.1, duplicate: 0.05, reorder: 0.08, corrupt: 0.02 };

test('decides as its naive twin does, in both directions and for several seeds', async () => {
  const faults = { loss: 0.1, duplicate: 0.05, reorder: 0.08 };
  for (const seed of [1, 2, -5, 2 ** 40]) {
    const sent = fateOf(PACKETS, seed, SEND_STREAM, faults).arrived;
    assert.deepEqual((await sendThrough(seed, { send: faults })).slice(0, sent.length), sent);
    const received = fateOf(PACKETS, seed, RECEIVE_STREAM, faults).arrived;
    assert.deepEqual(
      (await giveThrough(seed, { receive: faults })).slice(0, received.length),
      received,
    );
  }
});

test('the same seed gives the same, another seed something else, and directions differ', async () => {
  const first = await sendThrough(7, { send: everything });
  assert.deepEqual(await sendThrough(7, { send: everything }), first);
  assert.notDeepEqual(await sendThrough(8, { send: everything }), first);
  assert.notDeepEqual(await giveThrough(7, { receive: everything }), first);
});

test('counts exactly what each fault did, for seed 1', async () => {
  const { host, link, clock } = await setUp(1, { send: everything });
  for (let i = 0; i < PACKETS; i++) host.send(packet(i));
  clock.advance(1000);
  const { send } = host.statistics.faults;
  const fate = fateOf(PACKETS, 1, SEND_STREAM, everything);
  assert.deepEqual(send, {
    offered: PACKETS,
    lost: fate.lost,
    duplicated: fate.duplicated,
    corrupted: fate.corrupted.size,
    reordered: fate.reordered,
    delayed: 0,
    overflow: 0,
    cleared: 0,
    passed: PACKETS - fate.lost + fate.duplicated,
  });
  // Pinned: the next release must treat a user's seeds as this one does.
  assert.deepEqual([send.lost, send.duplicated, send.corrupted, send.reordered], [111, 45, 20, 60]);
  assert.equal(takeNumbers(link).length, send.passed);
  await link.close();
});

test('hits about as often as its probabilities say', async () => {
  const { host, link } = await setUp(3, { receive: everything });
  const count = 50_000;
  const one = packet(1);
  for (let i = 0; i < count; i += 250) givePackets(link, new Array<Uint8Array>(250).fill(one));
  const { receive } = host.statistics.faults;
  const alive = count - receive.lost;
  const near = (hits: number, of: number, probability: number): void => {
    const deviation = Math.sqrt(of * probability * (1 - probability));
    assert.ok(Math.abs(hits - of * probability) < 4 * deviation, `${hits} of ${of}`);
  };
  near(receive.lost, count, everything.loss);
  near(receive.duplicated, alive, everything.duplicate);
  near(receive.reordered, alive, everything.reorder);
  near(receive.corrupted, alive, everything.corrupt);
  await link.close();
});

test('probability 0 never hits and 1 always does', async () => {
  const inOrder = Array.from({ length: PACKETS }, (_, i) => i);
  assert.deepEqual(await sendThrough(1, { send: { loss: 0, duplicate: 0 } }), inOrder);
  assert.deepEqual(await sendThrough(1, { send: { loss: 1 } }), []);
  assert.deepEqual(
    await sendThrough(1, { send: { duplicate: 1 } }),
    inOrder.flatMap((i) => [i, i]),
  );
});

test('faults can be changed while packets flow, one direction at a time', async () => {
  const { host, link } = await setUp(1, { send: { loss: 1 }, receive: { loss: 1 } });
  host.send(packet(0));
  host.setFaults({ send: {} });
  host.send(packet(1));
  assert.deepEqual(takeNumbers(link), [1]);
  givePackets(link, [packet(2)]);
  assert.equal(host.statistics.faults.receive.lost, 1, 'the other direction stayed as it was');
  host.setFaults({ send: { loss: 1 } });
  host.send(packet(3));
  assert.deepEqual(takeNumbers(link), []);
  await link.close();
});

test('what becomes of a packet does not depend on faults that were set for earlier ones', async () => {
  const { host, link } = await setUp(5, {});
  for (let i = 0; i < 500; i++) host.send(packet(i));
  host.setFaults({ send: { loss: 0.3 } });
  for (let i = 500; i < PACKETS; i++) host.send(packet(i));
  const always = fateOf(PACKETS, 5, SEND_STREAM, { loss: 0.3 }).arrived;
  const late = (numbers: number[]): number[] => numbers.filter((number) => number >= 500);
  assert.deepEqual(late(takeNumbers(link)), late(always));
  await link.close();
});

for (const [local, remote] of [
  ['10.7.0.1', '10.7.0.2'],
  ['fd07::1', 'fd07::2'],
] as const) {
  test(`every corrupted packet to ${local} differs by one bit, and a checksum shows it`, async () => {
    const { host, link } = await setUp(11, { receive: { corrupt: 1 } });
    const arrived: Uint8Array[] = [];
    host.onPacket((bytes) => arrived.push(bytes));
    const given = Array.from({ length: 400 }, (_, i) =>
      i % 2 === 0
        ? udpPacket(remote, 4000, local, 7, pattern(i % 50, i))
        : echoPacket(remote, local, pattern(i % 50, i)),
    );
    givePackets(link, given.slice(0, 200));
    givePackets(link, given.slice(200));
    const { received, faults } = host.statistics;
    assert.equal(faults.receive.corrupted, 400);
    for (const [i, bytes] of arrived.entries()) {
      assert.equal(bytes[0]! >> 4, given[i]![0]! >> 4, 'the version stays');
      assert.equal(differingBits(bytes, given[i]!), 1);
    }
    assert.equal(received.echoRequests + received.udpEchoes, 0, 'none was taken for good');
    assert.ok(received.badChecksum > 200);
    assert.equal(takePackets(link).length, 0);
    await link.close();
  });
}

test('a packet that the host sends is never changed in the memory of its sender', async () => {
  const { host, link } = await setUp(1, { send: { corrupt: 1 } });
  const mine = packet(4);
  host.send(mine);
  assert.deepEqual(mine, packet(4));
  assert.equal(differingBits(takePackets(link)[0]!, mine), 1);
  await link.close();
});

test('a duplicate arrives as the original did, although the host answers in place', async () => {
  const { host, link } = await setUp(1, { receive: { duplicate: 1 } });
  const seen: Uint8Array[] = [];
  host.onPacket((bytes) => seen.push(bytes));
  const request = echoPacket('10.7.0.2', '10.7.0.1', pattern(10));
  givePackets(link, [request]);
  assert.deepEqual(seen, [request, request]);
  assert.equal(takePackets(link).length, 2);
  await link.close();
});

test('what a listener writes back comes behind what is being delivered, and spoils none of it', async () => {
  const { host, link } = await setUp(1, { receive: { duplicate: 1 } });
  const numbers: number[] = [];
  host.onPacket((bytes) => {
    const number = numberOf(bytes);
    numbers.push(number);
    if (numbers.length === 1) givePackets(link, [packet(3), packet(4)]);
  });
  givePackets(link, [packet(1), packet(2)]);
  assert.deepEqual(numbers, [1, 1, 2, 2, 3, 3, 4, 4]);
  await link.close();
});

test('reordering holds a packet back behind one to three others and loses none', async () => {
  const numbers = await sendThrough(2, { send: { reorder: 0.2 } });
  assert.equal(numbers.length, PACKETS);
  assert.equal(new Set(numbers).size, PACKETS);
  let moved = 0;
  for (const [at, number] of numbers.entries()) {
    assert.ok(at - number <= 3, `packet ${number} came ${at - number} places late`);
    if (at > number) moved++;
  }
  assert.ok(moved > PACKETS / 10);
});

test('a packet held back goes on by itself when nothing comes to pass it', async () => {
  const { host, link, clock } = await setUp(1, { send: { reorder: 1 } });
  host.send(packet(1));
  assert.deepEqual(takeNumbers(link), []);
  clock.advance(19);
  assert.deepEqual(takeNumbers(link), []);
  clock.advance(1);
  assert.deepEqual(takeNumbers(link), [1]);
  await link.close();
});

test('delay is exact on a virtual clock, and the same for all packets', async () => {
  const { host, link, clock } = await setUp(1, { send: { delayMs: 30 } });
  host.send(packet(1));
  clock.advance(10);
  host.send(packet(2));
  clock.advance(19.5);
  assert.deepEqual(takeNumbers(link), []);
  clock.advance(0.5);
  assert.deepEqual(takeNumbers(link), [1]);
  clock.advance(10);
  assert.deepEqual(takeNumbers(link), [2]);
  assert.equal(host.statistics.faults.send.delayed, 2);
  await link.close();
});

test('each direction keeps its own time, whichever packet was sent first', async () => {
  const { host, link, clock } = await setUp(1, { send: { delayMs: 50 }, receive: { delayMs: 5 } });
  let received = 0;
  host.onPacket(() => received++);
  host.send(packet(1));
  givePackets(link, [packet(2)]);
  clock.advance(5);
  assert.equal(received, 1);
  assert.deepEqual(takeNumbers(link), []);
  clock.advance(45);
  assert.deepEqual(takeNumbers(link), [1]);
  await link.close();
  const { send, receive } = host.statistics.faults;
  assert.deepEqual([send.cleared, receive.cleared], [0, 0], 'nothing was under way any more');
});

test('a ping takes the delay of both directions, to the microsecond on a virtual clock', async () => {
  const { host, link, clock } = await setUp(1, { send: { delayMs: 20 }, receive: { delayMs: 5 } });
  const ping = host.ping('10.7.0.2');
  for (let ms = 0; ms < 100; ms++) {
    clock.advance(1);
    reflectAll(link);
  }
  // Request and reply each pass both directions: the far end is the host itself.
  assert.deepEqual(await ping, { received: true, intact: true, rttUs: 50_000 });
  await link.close();
});

test('jitter spreads the delay evenly and keeps the order', async () => {
  const { host, link, clock } = await setUp(1, { send: { delayMs: 10, jitterMs: 10 } });
  const delays: number[] = [];
  for (let i = 0; i < 200; i++) {
    host.send(packet(i));
    let ms = 0;
    while (takePackets(link).length === 0) {
      clock.advance(0.25);
      ms += 0.25;
    }
    delays.push(ms);
  }
  assert.ok(Math.min(...delays) >= 10 && Math.min(...delays) < 11);
  assert.ok(Math.max(...delays) <= 20.25 && Math.max(...delays) > 19);
  for (let i = 0; i < 200; i++) host.send(packet(i));
  clock.advance(20);
  assert.deepEqual(
    takeNumbers(link),
    Array.from({ length: 200 }, (_, i) => i),
  );
  await link.close();
});

test('a packet sent after the delay was ended does not overtake those under way', async () => {
  const { host, link, clock } = await setUp(1, { send: { delayMs: 30 } });
  host.send(packet(1));
  host.setFaults({ send: {} });
  host.send(packet(2));
  assert.deepEqual(takeNumbers(link), []);
  clock.advance(30);
  assert.deepEqual(takeNumbers(link), [1, 2]);
  host.send(packet(3));
  assert.deepEqual(takeNumbers(link), [3], 'at once again');
  await link.close();
});

test('delays on the real clock come true while the event loop runs', async () => {
  const host = new MemoryHost({ faults: { send: { delayMs: 10 } } });
  const link = await host.provider().open(linkConfig);
  host.send(packet(1));
  const start = performance.now();
  let packets = 0;
  while (packets === 0 && performance.now() - start < 2000) {
    await sleep(1);
    packets = takePackets(link).length;
  }
  assert.equal(packets, 1);
  assert.ok(performance.now() - start >= 9);
  await link.close();
});

test('counts what is lost on the way when the device goes, and what is too much to hold', async () => {
  const { host, link, clock } = await setUp(1, { send: { delayMs: 30 } });
  for (let i = 0; i < 10_010; i++) host.send(packet(i, 28));
  assert.equal(host.statistics.faults.send.overflow, 10);
  await link.close();
  clock.advance(100);
  const { send } = host.statistics.faults;
  assert.deepEqual([send.cleared, send.passed], [10_000, 0]);
  assert.equal(
    send.offered + send.duplicated,
    send.lost + send.overflow + send.cleared + send.passed,
  );
  const again = await host.provider().open(linkConfig);
  host.setFaults({ send: {} });
  assert.equal(host.send(ipPacket(253, '10.7.0.1', '10.7.0.2', [1])), true);
  assert.equal(takePackets(again).length, 1, 'nothing of the old device is left');
  await again.close();
});

test('what is on its way to the host is lost with the device, too', async () => {
  const { host, link, clock } = await setUp(1, { receive: { delayMs: 30, reorder: 0.5 } });
  let received = 0;
  host.onPacket(() => received++);
  givePackets(
    link,
    [1, 2, 3, 4].map((number) => packet(number)),
  );
  host.removeDevice();
  clock.advance(100);
  assert.equal(received, 0);
  assert.equal(host.statistics.faults.receive.cleared, 4);
  await link.close();
});

function differingBits(a: Uint8Array, b: Uint8Array): number {
  assert.equal(a.length, b.length);
  let bits = 0;
  for (const [i, byte] of a.entries()) {
    for (let rest = byte ^ b[i]!; rest > 0; rest >>= 1) bits += rest & 1;
  }
  return bits;
}
