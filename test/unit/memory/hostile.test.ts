/** The hostile peer: whatever is written to the adapter, the host drops and counts it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type HostStatistics, MemoryHost, type ReceiveStatistics } from 'typetun/testing';
import type { Link } from '#dist/link/link.js';
import { runScript } from '../../support/child.ts';
import {
  addressBytes,
  echoPacket,
  internetChecksum,
  ipPacket,
  pattern,
  udpPacket,
} from '../../support/ip-packets.ts';
import { givePackets, linkConfig, takePackets } from '../../support/link-use.ts';

const LOCAL4 = '10.7.0.1';
const REMOTE4 = '10.7.0.2';
const LOCAL6 = 'fd07::1';
const REMOTE6 = 'fd07::2';

type Reason = Exclude<keyof ReceiveStatistics, 'packets' | 'octets' | 'refused'>;

/** Changes bytes of a packet and, for IPv4, makes the header checksum right again. */
function edit(packet: Uint8Array, changes: Record<number, number>, fix = true): Uint8Array {
  const bytes = packet.slice();
  for (const [at, value] of Object.entries(changes)) bytes[Number(at)] = value;
  if (fix && bytes[0]! >> 4 === 4) {
    bytes.set([0, 0], 10);
    const sum = internetChecksum([...bytes.subarray(0, (bytes[0]! & 15) * 4)]);
    bytes.set([sum >> 8, sum & 0xff], 10);
  }
  return bytes;
}

const echo4 = echoPacket(REMOTE4, LOCAL4, pattern(20));
const echo6 = echoPacket(REMOTE6, LOCAL6, pattern(20));
const udp4 = udpPacket(REMOTE4, 4000, LOCAL4, 7, pattern(20));
const udp6 = udpPacket(REMOTE6, 4000, LOCAL6, 7, pattern(20));

const cases: [string, Uint8Array, Reason][] = [
  ['an IPv4 header length of 4 words', edit(echo4, { 0: 0x44 }, false), 'malformed'],
  [
    'an IPv4 header longer than the packet',
    edit(echo4.slice(0, 24), { 0: 0x4f, 3: 24 }, false),
    'malformed',
  ],
  ['an IPv4 total length shorter than its header', edit(echo4, { 3: 19 }), 'malformed'],
  ['an IPv4 total length of 0', edit(echo4, { 2: 0, 3: 0 }), 'malformed'],
  ['an IPv4 total length past the end', edit(echo4, { 3: echo4.length + 1 }), 'malformed'],
  ['an IPv6 payload length past the end', edit(echo6, { 5: echo6.length - 39 }), 'malformed'],
  ['an IPv6 payload length of 65535', edit(echo6, { 4: 255, 5: 255 }), 'malformed'],
  ['a wrong IPv4 header checksum', edit(echo4, { 8: 3 }, false), 'badChecksum'],
  ['a wrong ICMP checksum', edit(echo4, { 30: 0xee }), 'badChecksum'],
  ['a wrong ICMPv6 checksum', edit(echo6, { 50: 0xee }), 'badChecksum'],
  ['a wrong UDP checksum', edit(udp4, { 30: 0xee }), 'badChecksum'],
  ['a wrong UDP checksum over IPv6', edit(udp6, { 50: 0xee }), 'badChecksum'],
  ['UDP over IPv6 without a checksum', edit(udp6, { 46: 0, 47: 0 }), 'badChecksum'],
  ['UDP over IPv4 without a checksum, which is allowed', edit(udp4, { 26: 0, 27: 0 }), 'udpEchoes'],
  ['ICMP of 7 bytes', ipPacket(1, REMOTE4, LOCAL4, [8, 0, 0xf7, 0xff, 0, 0, 0]), 'malformed'],
  ['ICMP of no bytes', ipPacket(1, REMOTE4, LOCAL4, []), 'malformed'],
  ['ICMPv6 of no bytes', ipPacket(58, REMOTE6, LOCAL6, []), 'malformed'],
  ['UDP of 7 bytes', ipPacket(17, REMOTE4, LOCAL4, [0, 7, 0, 7, 0, 7, 0]), 'malformed'],
  ['UDP of no bytes', ipPacket(17, REMOTE6, LOCAL6, []), 'malformed'],
  ['a UDP length of 7', edit(udp4, { 25: 7 }), 'malformed'],
  ['a UDP length past the packet', edit(udp4, { 25: 29 }), 'malformed'],
  ['a UDP length past the packet over IPv6', edit(udp6, { 44: 255 }), 'malformed'],
  ['the first fragment', edit(echo4, { 6: 0x20 }), 'fragments'],
  ['a later fragment', edit(echo4, { 7: 1 }), 'fragments'],
  ['an IPv6 fragment header', edit(udp6, { 6: 44 }), 'fragments'],
  ['a multicast source', echoPacket('224.0.0.5', LOCAL4, []), 'badSource'],
  ['a broadcast source', echoPacket('255.255.255.255', LOCAL4, []), 'badSource'],
  ['an unspecified source', udpPacket('0.0.0.0', 68, LOCAL4, 7, [1]), 'badSource'],
  ['an IPv6 multicast source', echoPacket('ff02::1', LOCAL6, []), 'badSource'],
  ['an IPv6 unspecified source', echoPacket('::', LOCAL6, []), 'badSource'],
  ['a destination that is not the host', echoPacket(REMOTE4, '10.7.0.3', []), 'notMine'],
  ['a broadcast', echoPacket(REMOTE4, '255.255.255.255', []), 'notMine'],
  ['an IPv6 multicast', echoPacket(REMOTE6, 'ff02::1', []), 'notMine'],
  ['TCP', ipPacket(6, REMOTE4, LOCAL4, [...pattern(20)]), 'unknownProtocol'],
  ['ICMPv6 in IPv4', ipPacket(58, REMOTE4, LOCAL4, [...pattern(20)]), 'unknownProtocol'],
  ['ICMP in IPv6', ipPacket(1, REMOTE6, LOCAL6, [...pattern(20)]), 'unknownProtocol'],
  [
    'an IPv6 hop-by-hop header',
    ipPacket(0, REMOTE6, LOCAL6, [58, 0, 0, 0, 0, 0, 0, 0]),
    'unknownProtocol',
  ],
  ['an echo reply nobody waits for', echoPacket(REMOTE4, LOCAL4, [], true), 'unexpectedReplies'],
  [
    'an IPv6 echo reply nobody waits for',
    echoPacket(REMOTE6, LOCAL6, [], true),
    'unexpectedReplies',
  ],
];

async function open(): Promise<{ host: MemoryHost; link: Link }> {
  const host = new MemoryHost();
  return { host, link: await host.provider().open(linkConfig) };
}

/** What a packet ended as: sums to `packets`. */
function total({ received }: HostStatistics): number {
  const { packets: _packets, octets: _octets, refused: _refused, ...reasons } = received;
  return Object.values(reasons).reduce((sum, count) => sum + count, 0);
}

for (const [what, packet, reason] of cases) {
  test(`counts ${what} as ${reason}, and goes on`, async () => {
    const { host, link } = await open();
    assert.equal(givePackets(link, [packet, echo4]).delivered, 2);
    const { received } = host.statistics;
    assert.equal(received[reason], 1, JSON.stringify(received));
    assert.equal(received.echoRequests, 1, 'the good packet behind it was answered');
    assert.equal(received.packets, 2);
    assert.equal(total(host.statistics), 2, 'each packet ends in one counter');
    await link.close();
  });
}

test('takes bytes behind the end that the IP header states for padding', async () => {
  const { host, link } = await open();
  givePackets(link, [Uint8Array.from([...echo4, 1, 2, 3]), Uint8Array.from([...udp6, 9])]);
  const [first, second] = takePackets(link);
  assert.equal(first!.length, echo4.length);
  assert.equal(second!.length, udp6.length);
  assert.equal(host.statistics.received.badChecksum, 0);
  await link.close();
});

test('answers a packet with IPv4 options', async () => {
  const { host, link } = await open();
  const [version, ...rest] = echo4;
  const packet = Uint8Array.from([
    version! + 1,
    ...rest.slice(0, 19),
    1,
    1,
    1,
    0,
    ...rest.slice(19),
  ]);
  givePackets(link, [edit(packet, { 3: packet.length })]);
  assert.equal(host.statistics.received.echoRequests, 1);
  const [reply] = takePackets(link);
  assert.deepEqual(
    [...reply!.subarray(12, 20)],
    [...addressBytes(LOCAL4), ...addressBytes(REMOTE4)],
  );
  assert.equal(internetChecksum([...reply!.subarray(0, 24)]), 0);
  await link.close();
});

test('an answer that leads nowhere is dropped and counted', async () => {
  const { host, link } = await open();
  givePackets(link, [echoPacket('198.51.100.9', LOCAL4, []), echoPacket(LOCAL4, LOCAL4, [])]);
  const { received, sent } = host.statistics;
  assert.equal(received.echoRequests, 2);
  assert.equal(sent.noRoute, 2);
  assert.deepEqual(takePackets(link), []);
  await link.close();
});

test('a listener that throws harms neither the packets that follow nor the writer', async () => {
  const datagram = [...udpPacket(REMOTE4, 4000, LOCAL4, 9, [1])];
  const { stdout, stderr, status } = await runScript(`
    import { MemoryHost } from 'typetun/testing';
    import { GiveResult } from '#dist/link/link.js';
    import { createBundleIndex, indexBundle } from '#dist/wire/bundle.js';
    import { BundleWriter } from '#dist/wire/bundle-writer.js';
    process.on('uncaughtException', (error) => console.log(error.message));
    const host = new MemoryHost();
    host.onPacket(() => { throw new Error('from the listener'); });
    host.bindUdp(9, () => { throw new Error('from the socket'); });
    const link = await host.provider().open(${JSON.stringify({ ...linkConfig, name: 'x' })});
    const writer = new BundleWriter(new Uint8Array(1024));
    writer.append(Uint8Array.from(${JSON.stringify(datagram)}));
    writer.append(Uint8Array.from(${JSON.stringify([...echo4])}));
    const index = createBundleIndex();
    indexBundle(writer.bytes, writer.length, index);
    console.log('gave', link.give(writer.bytes, index, new GiveResult()));
    link.settle();
    console.log('answered', host.statistics.received.echoRequests);
  `);
  assert.equal(stderr, '');
  assert.deepEqual(stdout.trim().split('\n'), [
    'gave 2',
    'answered 1',
    'from the listener',
    'from the socket',
    'from the listener',
  ]);
  assert.equal(status, 0);
});

test('a listener may write back, receive and close from within a delivery', async () => {
  const { host, link } = await open();
  let left = 50;
  host.bindUdp(9, () => {
    if (left-- > 0) givePackets(link, [udpPacket(REMOTE4, 4000, LOCAL4, 9, [left]), echo4]);
  });
  givePackets(link, [udpPacket(REMOTE4, 4000, LOCAL4, 9, [1])]);
  assert.equal(host.statistics.received.udpDatagrams, 51);
  assert.equal(takePackets(link).length, 50);
  host.bindUdp(10, () => host.removeDevice());
  givePackets(link, [udpPacket(REMOTE4, 4000, LOCAL4, 10, [1]), echo4]);
  assert.equal(host.statistics.received.echoRequests, 50, 'what lay behind went with the device');
});

const garbage = fc
  .record({
    six: fc.boolean(),
    low: fc.integer({ min: 0, max: 15 }),
    body: fc.uint8Array({ minLength: 39, maxLength: 120 }),
  })
  .map(({ six, low, body }) => Uint8Array.from([(six ? 0x60 : 0x40) | low, ...body]));

/** Valid packets with some bytes changed: these get past the first checks. */
const mangled = fc
  .record({
    of: fc.constantFrom(echo4, echo6, udp4, udp6),
    changes: fc.dictionary(fc.integer({ min: 1, max: 47 }).map(String), fc.nat(255), {
      maxKeys: 3,
    }),
    length: fc.integer({ min: 40, max: 90 }),
    fix: fc.boolean(),
  })
  .map(({ of, changes, length, fix }) => {
    const packet = new Uint8Array(length);
    packet.set(of.subarray(0, length));
    return edit(packet, changes, fix);
  });

test('no garbage makes the host throw, and every packet ends in exactly one counter', async () => {
  const { host, link } = await open();
  host.setFaults({ receive: { duplicate: 0.1, corrupt: 0.1, reorder: 0.1 } });
  fc.assert(
    fc.property(
      fc.array(fc.oneof(garbage, mangled), { minLength: 1, maxLength: 20 }),
      (packets) => {
        const { delivered } = givePackets(link, packets);
        assert.equal(delivered, packets.length);
        assert.equal(total(host.statistics), host.statistics.received.packets);
        takePackets(link);
      },
    ),
    { numRuns: 200 },
  );
  assert.ok(host.statistics.received.packets > 500);
  await link.close();
});
