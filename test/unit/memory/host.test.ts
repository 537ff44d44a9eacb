import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryHost } from 'typetun/testing';
import { type Link, TakeResult } from '#dist/link/link.js';
import { swapAddresses } from '#dist/wire/ip.js';
import {
  echoPacket,
  ipPacket,
  pattern,
  payloadOffset,
  udpPacket,
} from '../../support/ip-packets.ts';
import {
  givePackets,
  linkConfig,
  reflect,
  reflectAll,
  takePackets,
} from '../../support/link-use.ts';

const LOCAL = { 4: '10.7.0.1', 6: 'fd07::1' } as const;
const REMOTE = { 4: '10.7.0.2', 6: 'fd07::2' } as const;

async function open(
  host = new MemoryHost(),
  config = {},
): Promise<{ host: MemoryHost; link: Link }> {
  return { host, link: await host.provider().open({ ...linkConfig, ...config }) };
}

for (const family of [4, 6] as const) {
  const local = LOCAL[family];
  const remote = REMOTE[family];

  test(`answers an IPv${family} echo request with its data, a right checksum and a fresh hop limit`, async () => {
    const { host, link } = await open();
    for (const length of [0, 1, 56, 1452]) {
      const request = echoPacket(remote, local, pattern(length), false, 5);
      assert.equal(givePackets(link, [request]).delivered, 1);
      const expected = echoPacket(local, remote, pattern(length), true);
      assert.deepEqual(takePackets(link), [expected]);
    }
    assert.equal(host.statistics.received.echoRequests, 4);
    await link.close();
  });

  test(`pings over IPv${family} and gets its reply through a reflector`, async () => {
    const { host, link } = await open();
    for (const payloadBytes of [0, 1, 56, 1452]) {
      const ping = host.ping(remote, { payloadBytes });
      reflectAll(link);
      const { received, intact, rttUs } = await ping;
      assert.deepEqual({ received, intact }, { received: true, intact: true });
      assert.ok(rttUs > 0 && rttUs < 1e6);
    }
    const { received } = host.statistics;
    assert.deepEqual([received.echoRequests, received.echoReplies], [4, 4]);
    assert.equal(received.packets, 8, 'a request and a reply each');
    await link.close();
  });

  test(`a ping over IPv${family} whose reply has other or more data is received but not intact`, async () => {
    const { host, link } = await open();
    for (const extra of [[], [0]]) {
      const ping = host.ping(remote, { payloadBytes: 4 });
      const [request] = takePackets(link);
      const at = payloadOffset(request!);
      const sent = request!.subarray(at + 8);
      const data = extra.length > 0 ? [...sent, ...extra] : sent.map((byte) => byte ^ 1);
      const reply = echoPacket(remote, local, data, true);
      reply.set(request!.subarray(at + 4, at + 8), at + 4);
      fixIcmpChecksum(reply);
      givePackets(link, [reply]);
      const { received, intact } = await ping;
      assert.deepEqual({ received, intact }, { received: true, intact: false });
    }
    await link.close();
  });

  test(`answers UDP over IPv${family} on the echo port, ports and addresses exchanged`, async () => {
    const { host, link } = await open();
    for (const length of [0, 1, 1000]) {
      givePackets(link, [udpPacket(remote, 4000, local, 7, pattern(length))]);
      assert.deepEqual(takePackets(link), [udpPacket(local, 7, remote, 4000, pattern(length))]);
    }
    assert.equal(host.statistics.received.udpEchoes, 3);
    await link.close();
  });

  test(`sends and receives UDP over IPv${family} through a bound port`, async () => {
    const { host, link } = await open();
    const messages: unknown[] = [];
    const socket = host.bindUdp(0, (message) => messages.push(message));
    assert.ok(socket.port >= 49152);
    assert.equal(socket.send(pattern(33), remote, 5000), true);
    const [sent] = takePackets(link);
    const expected = udpPacket(local, socket.port, remote, 5000, pattern(33));
    assert.deepEqual(sent!.subarray(payloadOffset(sent!)), expected.subarray(payloadOffset(sent!)));
    givePackets(link, [udpPacket(remote, 5000, local, socket.port, pattern(20, 1))]);
    assert.deepEqual(messages, [
      {
        data: pattern(20, 1),
        sourceAddress: remote,
        sourcePort: 5000,
        destinationAddress: local,
      },
    ]);
    socket.close();
    socket.close();
    givePackets(link, [udpPacket(remote, 5000, local, socket.port, [1])]);
    assert.equal(messages.length, 1);
    assert.equal(host.statistics.received.udpUnreachable, 1);
    await link.close();
  });

  test(`answers a closed UDP port over IPv${family} with "port unreachable", quoting the datagram`, async () => {
    const { link } = await open();
    for (const length of [3, 1400]) {
      const datagram = udpPacket(remote, 4000, local, 9, pattern(length));
      givePackets(link, [datagram]);
      const [answer] = takePackets(link);
      const at = payloadOffset(answer!);
      const most = family === 4 ? 576 : 1280;
      assert.equal(answer!.length, Math.min(at + 8 + datagram.length, most));
      assert.deepEqual([...answer!.subarray(at, at + 2)], family === 4 ? [3, 3] : [1, 4]);
      assert.deepEqual(answer!.subarray(at + 8), datagram.subarray(0, answer!.length - at - 8));
      // The host checks what it gets: its own error, turned round, has a right checksum.
      swapAddresses(answer!, 0);
      givePackets(link, [answer!]);
    }
    await link.close();
  });
}

test('counts the ICMP errors it receives, and ignores other ICMP messages', async () => {
  const { host, link } = await open();
  givePackets(link, [udpPacket(REMOTE[4], 4000, LOCAL[4], 9, [1])]);
  const [error] = takePackets(link);
  swapAddresses(error!, 0);
  givePackets(link, [error!, ipPacket(1, REMOTE[4], LOCAL[4], [13, 0, 0xf2, 0xff, 0, 0, 0, 0])]);
  const { received } = host.statistics;
  assert.equal(received.icmpErrors, 1);
  assert.equal(received.icmpIgnored, 1);
  assert.equal(received.badChecksum, 0);
  await link.close();
});

test('does not answer a datagram from an echo port, so that two echo services do not play for ever', async () => {
  const { host, link } = await open();
  givePackets(link, [
    udpPacket(REMOTE[4], 7, LOCAL[4], 7, [1]),
    udpPacket(REMOTE[4], 0, LOCAL[4], 7, [1]),
  ]);
  assert.deepEqual(takePackets(link), []);
  assert.equal(host.statistics.received.udpEchoesIgnored, 2);
  await link.close();
});

test('a binding of port 7 takes the place of the echo service, and closing it brings it back', async () => {
  const { host, link } = await open();
  let messages = 0;
  const socket = host.bindUdp(7, () => messages++);
  givePackets(link, [udpPacket(REMOTE[4], 4000, LOCAL[4], 7, [1])]);
  assert.equal(messages, 1);
  assert.equal(takePackets(link).length, 0);
  socket.close();
  givePackets(link, [udpPacket(REMOTE[4], 4000, LOCAL[4], 7, [1])]);
  assert.equal(takePackets(link).length, 1);
  await link.close();
});

test('closing a socket again does not take the port from its next owner', async () => {
  const { host, link } = await open();
  const first = host.bindUdp(9, () => undefined);
  first.close();
  let messages = 0;
  host.bindUdp(9, () => messages++);
  first.close();
  givePackets(link, [udpPacket(REMOTE[4], 4000, LOCAL[4], 9, [1])]);
  assert.equal(messages, 1);
  await link.close();
});

test('refuses a bound port and a wrong port, naming it', () => {
  const host = new MemoryHost();
  const socket = host.bindUdp(5353, () => undefined);
  assert.throws(() => host.bindUdp(5353, () => undefined), {
    code: 'ERR_TUN_INVALID_STATE',
    message: /5353/,
  });
  assert.throws(() => host.bindUdp(65536, () => undefined), {
    name: 'RangeError',
    message: /65536/,
  });
  assert.throws(() => socket.send(pattern(1), '10.7.0.2', 0), RangeError);
  assert.throws(() => socket.send(pattern(1), '10.7.0.256', 9), {
    name: 'TypeError',
    message: /256/,
  });
});

test('sends a checksum that comes out as 0 as 0xffff: 0 would mean none', async () => {
  const { host, link } = await open();
  const socket = host.bindUdp(4000, () => undefined);
  for (const [local, remote] of [
    [LOCAL[4], REMOTE[4]],
    [LOCAL[6], REMOTE[6]],
  ] as const) {
    const zeros = udpPacket(local, 4000, remote, 9, [0, 0]);
    const at = payloadOffset(zeros);
    // Data equal to the checksum over zeros makes the sum all ones.
    socket.send(zeros.subarray(at + 6, at + 8), remote, 9);
    const [sent] = takePackets(link);
    assert.deepEqual([...sent!.subarray(at + 6, at + 8)], [0xff, 0xff]);
  }
  await link.close();
});

test('hands out 16384 free ports, each once, then says that there are none', () => {
  const host = new MemoryHost();
  const ports = new Set<number>();
  for (let i = 0; i < 16384; i++) ports.add(host.bindUdp(0, () => undefined).port);
  assert.equal(ports.size, 16384);
  assert.throws(() => host.bindUdp(0, () => undefined), { code: 'ERR_TUN_INVALID_STATE' });
});

test('sends only where an address or a route leads, never to itself', async () => {
  const { host, link } = await open(new MemoryHost(), {
    routes: [{ destination: '192.0.2.0/24' }, { destination: '2001:db8::/32' }],
  });
  const cases: [string, string, boolean][] = [
    ['10.7.0.1', '10.7.0.77', true],
    ['10.7.0.1', '10.7.0.255', true],
    ['10.7.0.1', '192.0.2.9', true],
    ['10.7.0.1', '224.0.0.1', true],
    ['10.7.0.1', '255.255.255.255', true],
    ['10.7.0.1', '10.8.0.1', false],
    ['10.7.0.1', '10.7.0.1', false],
    ['fd07::1', 'fd07::ffff', true],
    ['fd07::1', '2001:db8:1::1', true],
    ['fd07::1', 'ff02::1', true],
    ['fd07::1', '2001:db9::1', false],
    ['fd07::1', 'fd07::1', false],
  ];
  for (const [source, destination, reached] of cases) {
    assert.equal(host.send(ipPacket(253, source, destination, [1])), reached, destination);
  }
  const { sent } = host.statistics;
  assert.deepEqual([sent.packets, sent.noRoute], [8, 4]);
  assert.equal(takePackets(link).length, 8);
  await link.close();
});

test('refuses packets over the MTU, unreadable ones, and all while down, each counted', async () => {
  const { host, link } = await open();
  assert.equal(host.send(ipPacket(253, '10.7.0.1', '10.7.0.2', [...pattern(1480)])), true);
  assert.equal(host.send(ipPacket(253, '10.7.0.1', '10.7.0.2', [...pattern(1481)])), false);
  assert.equal(host.send(new Uint8Array(70000)), false);
  assert.equal(host.send(pattern(40).fill(0x50)), false);
  assert.equal(host.send(new Uint8Array(0)), false);
  host.setUp(false);
  const packet = ipPacket(253, '10.7.0.1', '10.7.0.2', [1]);
  assert.equal(host.send(packet), false);
  host.setUp(true);
  assert.equal(host.send(packet), true);
  await link.close();
  assert.equal(host.send(packet), false);
  const { sent } = host.statistics;
  assert.deepEqual(
    { ...sent, octets: 0 },
    { packets: 2, octets: 0, noRoute: 0, tooBig: 2, down: 2, invalid: 2, queueFull: 0 },
  );
});

test('sends on while media is disconnected: carrier only informs', async () => {
  const { host, link } = await open();
  assert.equal(host.mediaConnected, false);
  link.setMediaConnected(true);
  assert.equal(host.mediaConnected, true);
  link.setMediaConnected(false);
  assert.equal(host.mediaConnected, false);
  assert.equal(host.send(ipPacket(253, '10.7.0.1', '10.7.0.2', [1])), true);
  assert.equal(takePackets(link).length, 1);
  await link.close();
});

test('a ping that cannot be sent settles at once, and so does one whose device goes', async () => {
  const { host, link } = await open(new MemoryHost(), { addresses: ['10.7.0.1/24'] });
  const nothing = { received: false, rttUs: 0, intact: false };
  assert.deepEqual(await host.ping('10.8.0.1'), nothing);
  assert.deepEqual(await host.ping('fd07::2'), nothing, 'no IPv6 address');
  assert.deepEqual(await host.ping('10.7.0.2', { payloadBytes: 1473 }), nothing);
  assert.deepEqual(await host.ping('10.7.0.2', { payloadBytes: 61_424 }), nothing);
  const { sent } = host.statistics;
  assert.deepEqual([sent.packets, sent.noRoute, sent.tooBig], [0, 2, 2]);
  const pending = host.ping('10.7.0.2', { timeoutMs: 60_000 });
  host.removeDevice();
  assert.deepEqual(await pending, nothing);
  assert.deepEqual(await host.ping('10.7.0.2'), nothing, 'no device');
  assert.equal(link.take(new Uint8Array(0xf000), 0, 1, new TakeResult()), -1);
});

test('a ping without an answer times out, and a late or doubled reply is counted as unexpected', async () => {
  const { host, link } = await open();
  const late = host.ping('10.7.0.2', { timeoutMs: 5 });
  assert.equal((await late).received, false);
  reflectAll(link);
  assert.equal(host.statistics.received.unexpectedReplies, 1);
  const doubled = host.ping('10.7.0.2');
  reflect(link);
  const replies = takePackets(link);
  for (const packet of replies) swapAddresses(packet, 0);
  givePackets(link, [...replies, ...replies]);
  assert.equal((await doubled).received, true);
  assert.equal(host.statistics.received.unexpectedReplies, 2);
  await link.close();
});

test('many pings at once do not get mixed up', async () => {
  const { host, link } = await open();
  const pings = Array.from({ length: 500 }, (_, i) =>
    host.ping(i % 2 === 0 ? '10.7.0.2' : 'fd07::2'),
  );
  reflectAll(link);
  for (const result of await Promise.all(pings)) assert.ok(result.received && result.intact);
  await link.close();
});

test('rejects wrong ping arguments, naming them', async () => {
  const { host, link } = await open();
  await assert.rejects(host.ping('10.7.0'), { name: 'TypeError', message: /"10\.7\.0"/ });
  await assert.rejects(host.ping('10.7.0.2', { payloadBytes: -1 }), {
    name: 'RangeError',
    message: /-1/,
  });
  await assert.rejects(host.ping('10.7.0.2', { timeoutMs: Number.NaN }), {
    name: 'RangeError',
    message: /NaN/,
  });
  await link.close();
});

test('tells listeners of every packet that arrives, with a copy they may keep', async () => {
  const { host, link } = await open();
  const seen: Uint8Array[] = [];
  const stop = host.onPacket((packet) => seen.push(packet));
  const packets = [
    echoPacket(REMOTE[4], LOCAL[4], [1]),
    ipPacket(6, REMOTE[4], '10.7.0.99', [2]),
    new Uint8Array(40).fill(0x6f),
  ];
  givePackets(link, packets);
  assert.deepEqual(seen, packets);
  stop();
  stop();
  givePackets(link, packets);
  assert.equal(seen.length, 3);
  await link.close();
});

test('links its own fe80:: address when it is to have one, and answers on it', async () => {
  const { host, link } = await open(new MemoryHost(), { ipv6LinkLocal: true });
  assert.deepEqual(link.info.addresses, ['10.7.0.1/24', 'fd07::1/64', 'fe80::1/64']);
  const ping = host.ping('fe80::2');
  const [request] = takePackets(link);
  assert.deepEqual([...request!.subarray(8, 10)], [0xfe, 0x80]);
  swapAddresses(request!, 0);
  givePackets(link, [request!]);
  reflectAll(link);
  assert.equal((await ping).received, true);
  await link.close();
});

test('one device at a time, a free name each, a taken name refused, no namespaces', async () => {
  const { host, link } = await open(new MemoryHost(), { name: 'inside0' });
  await assert.rejects(host.provider().open(linkConfig), {
    code: 'ERR_TUN_INVALID_STATE',
    message: /inside0/,
  });
  await assert.rejects(open(new MemoryHost(), { name: 'inside0' }), {
    code: 'ERR_TUN_NAME_TAKEN',
    message: /inside0/,
  });
  await assert.rejects(open(new MemoryHost(), { netns: 'blue' }), {
    code: 'ERR_TUN_UNSUPPORTED',
    message: /blue/,
  });
  await assert.rejects(open(new MemoryHost(), { name: 'inside1', mtu: 1000 }), {
    code: 'ERR_TUN_CONFIGURATION',
    message: /1000/,
  });
  const other = await open(new MemoryHost(), { name: 'inside1' });
  await link.close();
  const again = await open(host, { name: 'inside0' });
  const free = await open();
  assert.match(free.link.info.name, /^memory[0-9]+$/);
  await Promise.all([other.link.close(), again.link.close(), free.link.close()]);
});

test('refuses a queue length and faults out of range, naming them, and changes nothing', () => {
  assert.throws(() => new MemoryHost({ queueLength: 0 }), { name: 'RangeError', message: /is 0/ });
  assert.throws(() => new MemoryHost({ seed: 0.5 }), { name: 'RangeError', message: /0\.5/ });
  assert.throws(() => new MemoryHost({ faults: { send: { loss: 1.5 } } }), {
    name: 'RangeError',
    message: /send\.loss is 1\.5/,
  });
  const host = new MemoryHost();
  assert.throws(() => host.setFaults({ send: { loss: 1 }, receive: { delayMs: -1 } }), {
    name: 'RangeError',
    message: /receive\.delayMs is -1/,
  });
});

/** Corrects the checksum of an `echoPacket` whose identifier and sequence were changed. */
function fixIcmpChecksum(reply: Uint8Array): void {
  const at = payloadOffset(reply);
  const identifier = reply.subarray(at + 4, at + 8);
  // echoPacket's own identifier is 0x1234, sequence 1: the difference goes into the checksum.
  const sum = (bytes: Uint8Array): number =>
    (bytes[0]! << 8) + bytes[1]! + (bytes[2]! << 8) + bytes[3]!;
  const old = (reply[at + 2]! << 8) + reply[at + 3]!;
  let total = (~old & 0xffff) - (0x1234 + 1) + sum(identifier);
  while (total < 0) total += 0xffff;
  while (total > 0xffff) total -= 0xffff;
  reply[at + 2] = (~total & 0xffff) >> 8;
  reply[at + 3] = ~total & 0xff;
}

test('a misspelt option, direction or fault is refused with the names there are', () => {
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [{ faluts: {} }, /new MemoryHost has no option "faluts"; there are seed, faults, clock, queue/],
    [null, /new MemoryHost takes an object of options, not null/],
    [{ faults: { sent: {} } }, /faults has no option "sent"; there are send, receive/],
    [{ faults: 0.1 }, /faults takes an object of options, not 0.1/],
    [{ faults: { send: { los: 1 } } }, /faults\.send has no option "los"; there are loss, dupl/],
    [{ faults: { receive: [1] } }, /faults\.receive takes an object of options, not an array/],
  ];
  for (const [options, message] of refused) {
    assert.throws(
      () => new MemoryHost(options as never),
      (error: Error) => error instanceof TypeError && message.test(error.message),
      String(message),
    );
  }
  const host = new MemoryHost();
  assert.throws(() => host.setFaults({ sent: {} } as never), /faults has no option "sent"/);
  assert.throws(() => host.setFaults({ send: { los: 1 } } as never), /no option "los"/);
});

test('a misspelt option of a ping is refused', async () => {
  await assert.rejects(
    new MemoryHost().ping('10.7.0.2', { timeout: 5 } as never),
    /host\.ping has no option "timeout"; there are payloadBytes, timeoutMs/,
  );
});
