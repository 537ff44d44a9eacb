/** Capture files of others, and broken ones: read, or refused with the offset and the reason. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  type CapturedPacket,
  isTunError,
  PcapngWriter,
  readBundles,
  readCapture,
  TunErrorCode,
} from 'typetun';
import { bundleOf, packetsOf } from '../../support/flow-packets.ts';
import { echoPacket, pattern, udpPacket } from '../../support/ip-packets.ts';
import { toolSkip } from '../../support/root.ts';

const folder = mkdtempSync(join(tmpdir(), 'typetun-read-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const ping = echoPacket('10.7.0.1', '10.7.0.2', pattern(9));
const pong = echoPacket('fd07::2', 'fd07::1', pattern(10), true);
const datagram = udpPacket('10.7.0.1', 4000, '10.7.0.2', 53, pattern(1400));

type Order = 'little' | 'big';

/** Words of 16 and 32 bits in an order. */
function writer(order: Order) {
  const put = (size: number, value: number): number[] => {
    const bytes = Array.from({ length: size }, (_, i) => (value / 256 ** i) & 0xff);
    return order === 'little' ? bytes : bytes.reverse();
  };
  return { u16: (value: number) => put(2, value), u32: (value: number) => put(4, value) };
}

function block(order: Order, type: number, body: readonly number[]): number[] {
  const { u32 } = writer(order);
  const padded = [...body, ...new Array<number>((4 - (body.length % 4)) % 4).fill(0)];
  const length = u32(padded.length + 12);
  return [...u32(type), ...length, ...padded, ...length];
}

function section(order: Order, version = 1): number[] {
  const { u16, u32 } = writer(order);
  const body = [
    ...u32(0x1a2b3c4d),
    ...u16(version),
    ...u16(0),
    ...u32(0xffffffff),
    ...u32(0xffffffff),
  ];
  return block(order, 0x0a0d0d0a, body);
}

function description(order: Order, linkType: number, options: readonly number[] = []): number[] {
  const { u16, u32 } = writer(order);
  return block(order, 1, [...u16(linkType), ...u16(0), ...u32(0), ...options]);
}

function enhanced(
  order: Order,
  frame: Uint8Array,
  { id = 0, time = 0, original = frame.length, options = [] as readonly number[] } = {},
): number[] {
  const { u32 } = writer(order);
  const pad = new Array<number>((4 - (frame.length % 4)) % 4).fill(0);
  return block(order, 6, [
    ...u32(id),
    ...u32(Math.floor(time / 2 ** 32)),
    ...u32(time % 2 ** 32),
    ...u32(frame.length),
    ...u32(original),
    ...frame,
    ...pad,
    ...options,
  ]);
}

async function* pieces(bytes: readonly number[], size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield Uint8Array.from(bytes.slice(at, at + size));
}

async function read(bytes: readonly number[], size = 1000): Promise<CapturedPacket[]> {
  const found: CapturedPacket[] = [];
  for await (const packet of readCapture(pieces(bytes, size))) found.push(packet);
  return found;
}

const ip = ({ frame, packetOffset }: CapturedPacket): Uint8Array => frame.slice(packetOffset);

test('what was written is read back: packets, times, directions, lengths', async () => {
  const file = join(folder, 'own.pcapng');
  const out = await PcapngWriter.open(file, { snapLength: 100, comment: 'c', filter: 'ip or ip6' });
  const bundle = bundleOf(ping, datagram);
  const before = Date.now() * 1000;
  out.record(bundle, bundle.length, true);
  const back = bundleOf(pong);
  out.comment('odd');
  out.noteLost(3);
  out.record(back, back.length, false);
  await out.close();
  const found: CapturedPacket[] = [];
  for await (const packet of readCapture(file)) found.push(packet);
  assert.deepEqual(found.map(ip), [ping, datagram.slice(0, 100), pong]);
  assert.deepEqual(
    found.map(({ direction, originalBytes }) => [direction, originalBytes]),
    [
      ['send', ping.length],
      ['send', datagram.length],
      ['receive', pong.length],
    ],
  );
  for (const { microseconds } of found) assert.ok(Math.abs(microseconds! - before) < 5e6);
});

for (const order of ['little', 'big'] as const) {
  test(`sections of ${order} endian files are read, in pieces of any size`, async () => {
    const { u16 } = writer(order);
    const nanoseconds = [...u16(9), ...u16(1), 9, 0, 0, 0, ...u16(0), ...u16(0)];
    const outbound = [...u16(2), ...u16(4), ...writer(order).u32(2), ...u16(0), ...u16(0)];
    const bytes = [
      ...section(order),
      ...description(order, 101, nanoseconds),
      ...block(order, 0xbad, [1, 2, 3, 4]),
      ...enhanced(order, ping, { time: 1_700_000_000_123_456 * 1000, options: outbound }),
      ...enhanced(order, pong, { original: 200 }),
    ];
    for (const size of [1, 7, 64, 100_000]) {
      const found = await read(bytes, size);
      assert.deepEqual(found.map(ip), [ping, pong]);
      assert.equal(found[0]!.direction, 'send');
      // A double holds such nanoseconds to within a quarter of a microsecond.
      assert.ok(Math.abs(found[0]!.microseconds! - 1_700_000_000_123_456) <= 1);
      assert.equal(found[1]!.originalBytes, 200);
    }
  });
}

test('a second section begins anew, in the other byte order', async () => {
  const bytes = [
    ...section('little'),
    ...description('little', 101),
    ...enhanced('little', ping),
    ...section('big'),
    ...description('big', 229),
    ...enhanced('big', pong),
  ];
  assert.deepEqual((await read(bytes)).map(ip), [ping, pong]);
});

test('simple and obsolete packet blocks are read', async () => {
  const { u16, u32 } = writer('little');
  const old = [
    ...u16(0),
    ...u16(7),
    ...u32(0),
    ...u32(5),
    ...u32(ping.length),
    ...u32(ping.length),
  ];
  const bytes = [
    ...section('little'),
    ...description('little', 101),
    ...block('little', 3, [...u32(pong.length), ...pong]),
    ...block('little', 2, [...old, ...ping]),
  ];
  const [simple, obsolete] = await read(bytes);
  assert.deepEqual([ip(simple!), simple!.microseconds], [pong, undefined]);
  assert.deepEqual([ip(obsolete!), obsolete!.microseconds], [ping, 5]);
});

const ETHERNET = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const FRAMES: readonly (readonly [string, number, readonly number[]])[] = [
  ['Ethernet', 1, [...ETHERNET, 8, 0]],
  ['Ethernet with VLAN tags', 1, [...ETHERNET, 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0]],
  ['cooked', 113, new Array<number>(16).fill(0)],
  ['cooked, version 2', 276, new Array<number>(20).fill(0)],
  ['loopback', 0, [2, 0, 0, 0]],
  ['IPv4 alone', 228, []],
];

for (const [name, linkType, header] of FRAMES) {
  test(`the packet is found in frames: ${name}`, async () => {
    const frame = Uint8Array.from([...header, ...ping]);
    const bytes = [
      ...section('little'),
      ...description('little', linkType),
      ...enhanced('little', frame),
    ];
    const [packet] = await read(bytes);
    assert.equal(packet!.packetOffset, header.length);
    assert.deepEqual(ip(packet!), ping);
  });
}

test('frames without an IP packet, and of unknown links, are given as such', async () => {
  const arp = Uint8Array.from([...ETHERNET, 8, 6, 0, 1]);
  const bytes = [
    ...section('little'),
    ...description('little', 1),
    ...description('little', 147),
    ...enhanced('little', arp),
    ...enhanced('little', Uint8Array.from([1])),
    ...enhanced('little', ping, { id: 1 }),
  ];
  assert.deepEqual(
    (await read(bytes)).map(({ packetOffset }) => packetOffset),
    [-1, -1, -1],
  );
});

function pcap(order: Order, magic: number, ...frames: readonly Uint8Array[]): number[] {
  const { u16, u32 } = writer(order);
  return [
    ...[...u32(magic), ...u16(2), ...u16(4), ...u32(0), ...u32(0), ...u32(65535), ...u32(101)],
    ...frames.flatMap((frame) => [
      ...u32(1_700_000_000),
      ...u32(500_000),
      ...u32(frame.length),
      ...u32(frame.length),
      ...frame,
    ]),
  ];
}

for (const order of ['little', 'big'] as const) {
  test(`the older format is read, ${order} endian, micro- and nanoseconds`, async () => {
    const micro = await read(pcap(order, 0xa1b2c3d4, ping, pong), 5);
    assert.deepEqual(micro.map(ip), [ping, pong]);
    assert.equal(micro[0]!.microseconds, 1_700_000_000_500_000);
    const nano = await read(pcap(order, 0xa1b23c4d, ping));
    assert.equal(nano[0]!.microseconds, 1_700_000_000_000_500);
  });
}

test("tcpdump's own files are read", { skip: toolSkip('tcpdump') }, async () => {
  const from = join(folder, 'from.pcapng');
  const to = join(folder, 'to.pcap');
  const out = await PcapngWriter.open(from);
  const bundle = bundleOf(ping, pong, datagram);
  out.record(bundle, bundle.length, true);
  await out.close();
  execFileSync('tcpdump', ['-r', from, '-w', to], { stdio: 'pipe' });
  const found: CapturedPacket[] = [];
  for await (const packet of readCapture(to)) found.push(packet);
  assert.deepEqual(found.map(ip), [ping, pong, datagram]);
});

const little = writer('little');
const head = [...section('little'), ...description('little', 101)];
const REFUSED: readonly (readonly [string, readonly number[], RegExp])[] = [
  ['nothing', [], /at offset 0 the file ends after 0 bytes/],
  ['two bytes', [1, 2], /at offset 0 the file ends after 2 bytes/],
  ['a text', [...Buffer.from('hello world')], /at offset 0 it begins with 0x68656c6c/],
  [
    'a section with another mark',
    block('little', 0x0a0d0d0a, new Array<number>(16).fill(9)),
    /at offset 8 a section has the byte order mark 0x9090909/,
  ],
  ['another version', section('little', 2), /at offset 12 a section has the version 2/],
  [
    'a short section',
    block('little', 0x0a0d0d0a, little.u32(0x1a2b3c4d)),
    /at offset 4 a section has a body of 4 bytes; it takes 16/,
  ],
  [
    'a block of length 8',
    [...head, ...little.u32(6), ...little.u32(8), ...little.u32(0)],
    /at offset 52 a block has the length 8/,
  ],
  [
    'a block of an odd length',
    [...head, ...little.u32(6), ...little.u32(33), ...little.u32(0)],
    /the length 33; it is a multiple of 4/,
  ],
  [
    'a block of 4 GiB',
    [...head, ...little.u32(6), ...little.u32(0xfffffffc), ...little.u32(0)],
    /the length 4294967292/,
  ],
  [
    'lengths that differ',
    [...head, ...little.u32(9), ...little.u32(12), ...little.u32(16)],
    /at offset 56 a block of 12 bytes ends with the length 16/,
  ],
  [
    'a packet of no interface',
    [...section('little'), ...enhanced('little', ping)],
    /at offset 36 a packet is of the interface 0, of 0 in this section/,
  ],
  [
    'a packet of another interface',
    [...head, ...enhanced('little', ping, { id: 4 })],
    /of the interface 4, of 1/,
  ],
  [
    'a packet larger than its block',
    [
      ...head,
      ...block('little', 6, [
        ...new Array<number>(12).fill(0),
        ...little.u32(99),
        ...little.u32(99),
      ]),
    ],
    /at offset 68 a packet has 99 bytes in a block with room for 0/,
  ],
  [
    'a packet of 4 GiB',
    [
      ...head,
      ...block('little', 6, [
        ...new Array<number>(12).fill(0),
        ...little.u32(0xffffffff),
        ...little.u32(0),
      ]),
    ],
    /a packet has 4294967295 bytes/,
  ],
  [
    'a short packet block',
    [...head, ...block('little', 6, [0, 0, 0, 0])],
    /a packet has a body of 4 bytes; it takes 20/,
  ],
  [
    'an option that runs out',
    [...head, ...enhanced('little', ping, { options: [...little.u16(2), ...little.u16(400)] })],
    /an option of 400 bytes runs past the end of its block/,
  ],
  [
    'the end in a block',
    [...head, ...enhanced('little', ping)].slice(0, -3),
    /at offset 48 the file ends in the middle: \d+ bytes are left/,
  ],
  [
    'the end in a record',
    pcap('little', 0xa1b2c3d4, ping).slice(0, -1),
    /at offset 24 the file ends in the middle/,
  ],
  [
    'a record of 1 GiB',
    [
      ...pcap('little', 0xa1b2c3d4),
      ...new Array<number>(8).fill(0),
      ...little.u32(2 ** 30),
      ...little.u32(2 ** 30),
    ],
    /at offset 32 a packet of 1073741824 bytes begins/,
  ],
  [
    'a record that had less than it has',
    [
      ...pcap('little', 0xa1b2c3d4),
      ...new Array<number>(8).fill(0),
      ...little.u32(40),
      ...little.u32(20),
    ],
    /said to have had 20 bytes, of which there are 40/,
  ],
];

for (const [name, bytes, message] of REFUSED) {
  test(`refuses ${name}`, async () => {
    for (const size of [3, 100_000]) {
      await assert.rejects(read(bytes, size), (error) => {
        assert.ok(isTunError(error, TunErrorCode.CAPTURE_INVALID), String(error));
        assert.match(error.message, message);
        return true;
      });
    }
  });
}

test('what came before the first mistake was given', async () => {
  const bytes = [...head, ...enhanced('little', ping), ...block('little', 6, [1])];
  const found: Uint8Array[] = [];
  await assert.rejects(async () => {
    for await (const packet of readCapture(pieces(bytes, 10))) found.push(ip(packet));
  }, /not a capture file that can be read/);
  assert.deepEqual(found, [ping]);
});

test('bundles are made of a file, as full as they get, and what they lack is counted', async () => {
  const many = Array.from({ length: 300 }, () => enhanced('little', datagram)).flat();
  const odd = [
    ...enhanced('little', Uint8Array.from([1])),
    ...enhanced('little', ping, { original: 99 }),
  ];
  const bundles = readBundles(
    pieces([...head, ...many, ...odd, ...enhanced('little', pong)], 5000),
  );
  const found: Uint8Array[] = [];
  const counts: number[] = [];
  for (;;) {
    const next = await bundles.next();
    if (next.done) {
      assert.deepEqual(next.value, { cut: 1, notIp: 1 });
      break;
    }
    const packets = packetsOf(next.value, next.value.length);
    counts.push(packets.length);
    found.push(...packets);
  }
  assert.equal(found.length, 301);
  assert.deepEqual(found.at(-1), pong);
  assert.deepEqual(found[0], datagram);
  assert.deepEqual(counts, [256, 45]);
});

test('the packets before a mistake come as a bundle first', async () => {
  const bundles = readBundles(pieces([...head, ...enhanced('little', ping), 1, 2, 3], 10));
  const first = await bundles.next();
  assert.deepEqual(packetsOf(first.value as Uint8Array, (first.value as Uint8Array).length), [
    ping,
  ]);
  await assert.rejects(bundles.next(), /the file ends in the middle/);
});

test('a file that is not there is named', async () => {
  const reading = readCapture(join(folder, 'none.pcapng'));
  await assert.rejects(reading.next(), (error) => {
    assert.ok(isTunError(error, TunErrorCode.NOT_FOUND));
    assert.match(error.message, /none.pcapng cannot be read: ENOENT/);
    return true;
  });
});

test('a large file is read without being kept whole', async () => {
  const file = join(folder, 'large.pcapng');
  const one = Buffer.from(enhanced('little', datagram));
  writeFileSync(file, Buffer.concat([Buffer.from(head), ...new Array<Buffer>(20_000).fill(one)]));
  assert.ok(readFileSync(file).length > 25e6);
  let packets = 0;
  for await (const { frame } of readCapture(file))
    packets += frame.length === datagram.length ? 1 : 0;
  assert.equal(packets, 20_000);
});
