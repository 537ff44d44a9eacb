/** The kernels against their plain twins, and both against what they must and must not do. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Kernels, plainKernels, simdKernels } from '#dist/wire/kernels/kernels.js';
import { MAX_PACKET } from '#dist/wire/kernels/layout.js';
import { internetChecksum } from '../../support/ip-packets.ts';
import { runMerge, runSplit, WORK_BYTES } from '../../support/kernel-runs.ts';
import { ACK, type Recipe, superPacket, transportPacket } from '../../support/transport-packets.ts';

const simd = simdKernels(WORK_BYTES);
const plain = plainKernels(WORK_BYTES);
const kinds: readonly (readonly [string, Kernels])[] = [
  ['simd', simd],
  ['plain', plain],
];
const PSH = 0x08;
const FIN = 0x01;
const CWR = 0x80;
const MSS = 100;

/** Bytes that repeat, but not soon. */
const bytesOf = (length: number, seed = 1): number[] =>
  Array.from({ length }, (_, i) => (seed * 31 + i * 7 + (i >> 8)) & 0xff);

const FAMILIES: readonly (readonly [4 | 6, 'tcp' | 'udp'])[] = [
  [4, 'tcp'],
  [6, 'tcp'],
  [4, 'udp'],
  [6, 'udp'],
];

const FIRST: Recipe = { version: 4, protocol: 'tcp', flow: 0, sequence: 1, payload: [] };
const FIRST_PACKET = transportPacket({ ...FIRST, payload: bytesOf(MSS) });

function next(change: Partial<Recipe>): Uint8Array {
  return transportPacket({ ...FIRST, sequence: 1 + MSS, payload: bytesOf(MSS), ...change });
}

function v6(number: number, change: Partial<Recipe>): Uint8Array {
  const sequence = 1 + number * MSS;
  return transportPacket({ ...FIRST, version: 6, sequence, payload: bytesOf(MSS), ...change });
}

const second = (change: Partial<Recipe>): Uint8Array[] => [
  transportPacket({ ...FIRST, ...change, sequence: 1, payload: bytesOf(MSS) }),
  transportPacket({ ...FIRST, sequence: 1 + MSS, payload: bytesOf(MSS), ...change }),
];
const NOT_TOGETHER: readonly (readonly [string, readonly Uint8Array[]])[] = [
  ['a gap', [FIRST_PACKET, next({ sequence: 2 + MSS })]],
  ['an overlap', [FIRST_PACKET, next({ sequence: MSS })]],
  ['another acknowledgment', [FIRST_PACKET, next({ acknowledgment: 100 })]],
  ['another window', [FIRST_PACKET, next({ window: 511 })]],
  ['other options', [FIRST_PACKET, next({ options: [1, 1, 1, 0] })]],
  ['another time to live', [FIRST_PACKET, next({ ttl: 63 })]],
  ['another type of service', [FIRST_PACKET, next({ tos: 4 })]],
  ['congestion experienced', [FIRST_PACKET, next({ tos: 3 })]],
  ['fragmenting allowed', [FIRST_PACKET, next({ fragment: 0 })]],
  ['a fragment', [FIRST_PACKET, next({ fragment: 0x2000 })]],
  ['a wrong checksum', [FIRST_PACKET, next({ badChecksum: true })]],
  ['a wrong header checksum', [FIRST_PACKET, next({ badHeaderChecksum: true })]],
  ['IP options', [FIRST_PACKET, next({ ipOptions: [1, 1, 1, 0] })]],
  ['a longer segment', [FIRST_PACKET, next({ payload: bytesOf(MSS + 1) })]],
  ['an empty segment', [FIRST_PACKET, next({ payload: [] })]],
  ['an urgent pointer', [FIRST_PACKET, next({ urgent: 1 })]],
  ['IPv6', [FIRST_PACKET, next({ version: 6 })]],
  ['UDP', [FIRST_PACKET, next({ protocol: 'udp' })]],
  ...[0x01, 0x02, 0x04, 0x20, 0x40, 0x80].map(
    (flag) => [`the flag ${flag}`, [FIRST_PACKET, next({ flags: ACK | flag })]] as const,
  ),
  ['wrong checksums in both', second({ badChecksum: true })],
  ['PSH in the first', second({ flags: ACK | PSH })],
  ['SYN in both', second({ flags: ACK | 2 })],
  ['no ACK in both', second({ flags: 0 })],
  ['fragments both', second({ fragment: 0x2000 })],
  ['IP options in both', second({ ipOptions: [1, 1, 1, 0] })],
  ['an identification that does not count up', second({ fragment: 0, identification: 7 })],
  ['datagrams without checksum', second({ protocol: 'udp', noChecksum: true })],
  ['IPv6 flow labels', [v6(0, { flowLabel: 1 }), v6(1, { flowLabel: 2 })]],
  ['IPv6 hop limits', [v6(0, {}), v6(1, { ttl: 1 })]],
  ['IPv6 traffic classes', [v6(0, {}), v6(1, { tos: 1 })]],
];

for (const [kind, kernels] of kinds) {
  for (const [version, protocol] of FAMILIES) {
    test(`${kind}: splits IPv${version} ${protocol} into packets with right headers`, () => {
      for (const length of [1, 2, MSS - 1, MSS, MSS + 1, 3 * MSS, 10 * MSS + 7]) {
        const base: Recipe = {
          ...{ version, protocol, flow: 0, payload: bytesOf(length), identification: 65_534 },
          ...{ sequence: 0xffff_ff80, flags: ACK | PSH | FIN | CWR, options: bytesOf(12) },
        };
        const expected: Uint8Array[] = [];
        for (let at = 0; at < length; at += MSS) {
          const last = at + MSS >= length;
          expected.push(
            transportPacket({
              ...base,
              payload: base.payload.slice(at, at + MSS),
              identification: (65_534 + at / MSS) & 0xffff,
              sequence: (0xffff_ff80 + at) >>> 0,
              flags: ACK | (last ? PSH | FIN : 0) | (at === 0 ? CWR : 0),
            }),
          );
        }
        const run = runSplit(kernels, superPacket(base, MSS));
        assert.equal(run.total, expected.length);
        assert.deepEqual(run.packets, expected);
        assert.equal(
          run.octets,
          expected.reduce((sum, packet) => sum + packet.length, 0),
        );
      }
    });
  }

  test(`${kind}: goes on where a bundle was full, by packets and by bytes`, () => {
    const whole = superPacket(
      { version: 4, protocol: 'tcp', flow: 0, payload: bytesOf(1000) },
      MSS,
    );
    const all = runSplit(kernels, whole).packets;
    assert.equal(all.length, 10);
    const parts: Uint8Array[] = [];
    for (let skip = 0; skip < 10; ) {
      const part = runSplit(kernels, whole, skip % 2 ? { skip, most: 3 } : { skip, room: 400 });
      assert.ok(part.written > 0 && part.written <= 3);
      assert.equal(part.total, 10);
      parts.push(...part.packets);
      skip += part.written;
    }
    assert.deepEqual(parts, all);
    assert.equal(runSplit(kernels, whole, { room: 100 }).written, 0);
  });

  test(`${kind}: completes the checksum of a packet that stands for itself`, () => {
    for (const [version, protocol] of FAMILIES) {
      for (let length = 0; length < 200; length++) {
        const recipe: Recipe = { version, protocol, flow: 1, payload: bytesOf(length, length) };
        const { header, packet } = superPacket(recipe, 0);
        header[1] = 0;
        const { packets } = runSplit(kernels, { header, packet });
        assert.deepEqual(packets, [transportPacket(recipe)]);
      }
    }
  });

  test(`${kind}: hands on what needs nothing as it is`, () => {
    const packet = transportPacket({ version: 4, protocol: 'tcp', flow: 0, payload: [1] });
    const run = runSplit(kernels, { header: new Uint8Array(10), packet });
    assert.deepEqual(run.packets, [packet]);
    assert.equal(run.bytes.length % 16, 0);
    assert.deepEqual([...run.bytes.subarray(16 + packet.length)], [0, 0, 0, 0, 0, 0, 0]);
  });

  test(`${kind}: a UDP checksum that comes out as zero is sent as all ones`, () => {
    for (let low = 0; low < 0x10000; low += 1) {
      const payload = [low >> 8, low & 0xff];
      const packet = transportPacket({ version: 4, protocol: 'udp', flow: 0, payload });
      if (packet[26] !== 0xff || packet[27] !== 0xff) continue;
      const whole = superPacket({ version: 4, protocol: 'udp', flow: 0, payload }, 2);
      assert.deepEqual(runSplit(kernels, whole).packets, [packet]);
      return;
    }
    assert.fail('there is such a payload');
  });

  for (const [version, protocol] of FAMILIES) {
    test(`${kind}: merges a run of IPv${version} ${protocol}, which split gives back`, () => {
      const packets = [0, 1, 2, 3].map((i) =>
        transportPacket({
          ...{ version, protocol, flow: 0, sequence: 1 + i * MSS, identification: 5 + i },
          ...{ payload: bytesOf(i === 3 ? 40 : MSS, i), flags: i === 3 ? ACK | PSH : ACK },
        }),
      );
      const writes = runMerge(kernels, packets);
      assert.deepEqual(
        writes.map(({ numbers }) => numbers),
        [[0, 1, 2, 3]],
      );
      assert.deepEqual(runSplit(kernels, writes[0]!).packets, packets);
    });
  }

  test(`${kind}: merges flows that alternate, each for itself`, () => {
    const packets = Array.from({ length: 30 }, (_, i) =>
      transportPacket({
        ...{ version: 4, protocol: 'tcp', flow: i % 3, payload: bytesOf(MSS, i) },
        ...{ sequence: 1 + Math.floor(i / 3) * MSS },
      }),
    );
    assert.equal(runMerge(kernels, packets).length, 3);
  });

  test(`${kind}: more flows than it has room for are all delivered, in order`, () => {
    const packets = Array.from({ length: 200 }, (_, i) =>
      transportPacket({
        ...{ version: 6, protocol: 'tcp', flow: i % 20, payload: bytesOf(MSS, i) },
        ...{ sequence: 1 + Math.floor(i / 20) * MSS },
      }),
    );
    const numbers = runMerge(kernels, packets).flatMap((write) => write.numbers);
    assert.equal(numbers.length, 200);
    for (let flow = 0; flow < 20; flow++) {
      const own = numbers.filter((number) => number % 20 === flow);
      assert.deepEqual(
        own,
        own.toSorted((a, b) => a - b),
      );
    }
  });

  test(`${kind}: does not make a packet longer than an entry takes`, () => {
    const packets = Array.from({ length: 256 }, (_, i) =>
      transportPacket({
        ...{ version: 4, protocol: 'tcp', flow: 0, payload: bytesOf(900, i) },
        ...{ sequence: 1 + i * 900 },
      }),
    );
    const lengths = runMerge(kernels, packets).map(({ packet }) => packet.length);
    assert.ok(lengths.length > 1);
    for (const length of lengths) assert.ok(length <= MAX_PACKET);
  });

  test(`${kind}: merges no datagrams for a host that does not take them, and 64 at most`, () => {
    const packets = Array.from({ length: 130 }, (_, i) =>
      transportPacket({ version: 4, protocol: 'udp', flow: 0, payload: bytesOf(20, i) }),
    );
    assert.equal(runMerge(kernels, packets, false).length, 130);
    const counts = runMerge(kernels, packets).map(({ numbers }) => numbers.length);
    assert.deepEqual(counts, [64, 64, 2]);
  });

  for (const [what, packets] of NOT_TOGETHER) {
    test(`${kind}: does not merge what differs by, or has, ${what}`, () => {
      const writes = runMerge(kernels, packets);
      assert.deepEqual(
        writes.map(({ numbers }) => numbers),
        [[0], [1]],
      );
      for (const { header } of writes) assert.deepEqual([...header], new Array(10).fill(0));
      assert.deepEqual(
        writes.map(({ packet }) => packet),
        packets,
      );
    });
  }

  test(`${kind}: a fragment overtakes nothing of any flow between its hosts`, () => {
    const packets = [
      transportPacket({ ...FIRST, payload: bytesOf(MSS) }),
      transportPacket({ ...FIRST, flow: 2, payload: bytesOf(MSS) }),
      transportPacket({ ...FIRST, payload: bytesOf(MSS), fragment: 100 }),
      next({}),
    ];
    const order = runMerge(kernels, packets).flatMap(({ numbers }) => numbers);
    assert.deepEqual(order, [0, 1, 2, 3]);
  });

  test(`${kind}: what has an extension header overtakes nothing of any flow between its hosts`, () => {
    const packets = [
      v6(0, {}),
      v6(0, { flow: 2 }),
      v6(1, { extension: { next: 60, bytes: [0, 0, 1, 4, 0, 0, 0, 0] } }),
      v6(1, {}),
    ];
    const order = runMerge(kernels, packets).flatMap(({ numbers }) => numbers);
    assert.deepEqual(order, [0, 1, 2, 3]);
  });

  test(`${kind}: an identification that counts on past its end is one that counts up`, () => {
    const packets = [0, 1, 2, 3].map((i) =>
      transportPacket({
        ...{ ...FIRST, fragment: 0, sequence: 1 + i * MSS, payload: bytesOf(MSS, i) },
        identification: (65_534 + i) & 0xffff,
      }),
    );
    const writes = runMerge(kernels, packets);
    assert.deepEqual(
      writes.map(({ numbers }) => numbers),
      [[0, 1, 2, 3]],
    );
    assert.deepEqual(runSplit(kernels, writes[0]!).packets, packets);
  });
}

const anyHeader = fc.uint8Array({ minLength: 10, maxLength: 10 });

test('a virtio-net header and a packet of any bytes: the twins agree, and stay in their place', () => {
  const plausible = fc
    .record({
      family: fc.constantFrom(...FAMILIES),
      payload: fc.uint8Array({ maxLength: 400 }),
      gsoSize: fc.nat(150),
      at: fc.nat(9),
      value: fc.nat(255),
      change: fc.nat(60),
      byte: fc.nat(255),
    })
    .map(({ family: [version, protocol], payload, gsoSize, at, value, change, byte }) => {
      const recipe: Recipe = { version, protocol, flow: 0, payload: [...payload] };
      const made = superPacket(recipe, gsoSize);
      made.header[at] = value;
      if (change < made.packet.length) made.packet[change] = byte;
      return made;
    });
  const wild = fc.record({
    header: anyHeader,
    packet: fc.uint8Array({ minLength: 20, maxLength: 300 }),
  });
  const limits = fc.record({ room: fc.nat(3000), most: fc.nat(20), skip: fc.nat(5) });
  fc.assert(
    fc.property(fc.oneof(plausible, wild), limits, (made, limit) => {
      const [a, b] = [runSplit(simd, made, limit), runSplit(plain, made, limit)];
      assert.deepEqual(a, b);
      assert.ok(a.bytes.length <= limit.room && a.written <= limit.most);
    }),
    { numRuns: 2000 },
  );
});

const recipes = fc.array(
  fc.record({
    family: fc.constantFrom(...FAMILIES),
    flow: fc.nat(9),
    length: fc.constantFrom(0, 1, 40, MSS, MSS, MSS, MSS),
    gap: fc.constantFrom(0, 0, 0, 0, 0, 1),
    flags: fc.constantFrom(ACK, ACK, ACK, ACK, ACK | PSH, ACK | FIN),
    ttl: fc.constantFrom(64, 64, 64, 63),
    odd: fc.constantFrom<Partial<Recipe>>({}, {}, {}, {}, { badChecksum: true }, { fragment: 0 }),
  }),
  { maxLength: 200 },
);

test('any sequence of packets: the twins agree, and each flow gets its packets as they were sent', () => {
  fc.assert(
    fc.property(recipes, fc.boolean(), (items, udp) => {
      const sequences = new Map<string, number>();
      const flows: string[] = [];
      const packets = items.map(({ family, flow, length, gap, flags, ttl, odd }, i) => {
        const [version, protocol] = family;
        const key = `${version} ${protocol} ${flow}`;
        const sequence = (sequences.get(key) ?? 0xffff_fff0) + gap;
        sequences.set(key, sequence + length);
        flows.push(key);
        return transportPacket({
          ...{ version, protocol, flow, payload: bytesOf(length, i), flags, ttl },
          ...{ sequence: sequence >>> 0, ...odd },
        });
      });
      const writes = runMerge(simd, packets, udp);
      assert.deepEqual(runMerge(plain, packets, udp), writes);
      const order = writes.flatMap(({ numbers }) => numbers);
      assert.deepEqual(
        order.toSorted((a, b) => a - b),
        packets.map((_, number) => number),
      );
      for (const flow of new Set(flows)) {
        const own = order.filter((number) => flows[number] === flow);
        assert.deepEqual(
          own,
          own.toSorted((a, b) => a - b),
        );
      }
      for (const write of writes) {
        const again = runSplit(plain, write).packets.map(withoutIdentity);
        assert.deepEqual(
          again,
          write.numbers.map((number) => withoutIdentity(packets[number]!)),
        );
      }
    }),
    { numRuns: 300 },
  );
});

/** Without what a host may choose anew for a packet that must not be fragmented. */
function withoutIdentity(packet: Uint8Array): number[] {
  const bytes = [...packet];
  if (bytes[0]! >> 4 !== 4) return bytes;
  if (internetChecksum(bytes.slice(0, (bytes[0]! & 15) * 4)) !== 0) return bytes;
  bytes.splice(4, 2, 0, 0);
  bytes.splice(10, 2, 0, 0);
  return bytes;
}
