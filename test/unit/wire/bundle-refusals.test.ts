/**
 * Everything that driver-contract section 1 refuses, at the codec itself and in both byte orders: the
 * message names the value, the error names the entry, and the index is left empty.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BundleReader, BundleWriter, isTunError } from 'typetun';
import { parsePrefix } from '#dist/wire/address.js';
import { createBundleIndex, indexBundle } from '#dist/wire/bundle.js';
import { naiveEncode } from '../../reference/bundle.ts';

const HEADER = 16;

function packetOf(size: number, first = 0x45): Uint8Array {
  const packet = new Uint8Array(size).fill(0xa5);
  packet[0] = first;
  return packet;
}

type Encode = (packets: readonly Uint8Array[]) => Uint8Array;

/** `bundle` with `value` at `offset`. */
function changed(bundle: Uint8Array, offset: number, value: number): Uint8Array {
  bundle[offset] = value;
  return bundle;
}

/** An entry whose size word says `size`, whatever the packet has. */
function claiming(size: number, littleEndian: boolean, packet = packetOf(64)): Uint8Array {
  const bundle = naiveEncode([packet], 'driver', littleEndian);
  new DataView(bundle.buffer).setUint32(0, size, littleEndian);
  return bundle;
}

/** What is wrong, a bundle with that, the entry at fault, and what the message must say. */
const REFUSALS: readonly (readonly [
  string,
  (encode: Encode, littleEndian: boolean) => Uint8Array,
  number,
  RegExp,
])[] = [
  [
    'a truncated entry header',
    (encode) => encode([packetOf(20)]).slice(0, 15),
    0,
    /is 15 bytes long; the shortest holds one entry header of 16/,
  ],
  [
    'a truncated second entry header',
    (encode) => encode([packetOf(32), packetOf(20)]).slice(0, 48 + 15),
    1,
    /entry 1 at offset 48 is truncated: 15 bytes are left/,
  ],
  [
    'a size past the end',
    (_, littleEndian) => claiming(65, littleEndian),
    0,
    /says 65 bytes and runs past the end: 64 are left/,
  ],
  ['a size of zero', (_, littleEndian) => claiming(0, littleEndian), 0, /has size 0; leave/],
  [
    'an entry of zero behind a good one',
    (encode) => Uint8Array.from([...encode([packetOf(20)]), ...new Uint8Array(16)]),
    1,
    /entry 1 at offset 48 has size 0/,
  ],
  [
    'a packet of 61,425 bytes',
    (encode) => encode([packetOf(61_425)]),
    0,
    /has size 61425; a packet is at most 61424/,
  ],
  [
    'a size of 2^32 - 1',
    (_, littleEndian) => claiming(2 ** 32 - 1, littleEndian),
    0,
    /has size 4294967295; a packet is at most 61424/,
  ],
  [
    '257 packets',
    (encode) => encode(new Array(257).fill(packetOf(20))),
    256,
    /more than 256 packets; split it/,
  ],
  ['version nibble 0', (encode) => encode([packetOf(64, 0x05)]), 0, /version nibble 0 and 64/],
  ['version nibble 5', (encode) => encode([packetOf(64, 0x55)]), 0, /version nibble 5 and 64/],
  ['an IPv4 packet of 19 bytes', (encode) => encode([packetOf(19)]), 0, /nibble 4 and 19 bytes/],
  [
    'an IPv6 packet of 39 bytes',
    (encode) => encode([packetOf(64), packetOf(39, 0x60)]),
    1,
    /nibble 6 and 39 bytes/,
  ],
  ...[4, 9, 15].map(
    (offset) =>
      [
        `byte ${offset} of the header padding set`,
        (encode: Encode) => changed(encode([packetOf(64)]), offset, 3),
        0,
        new RegExp(`the byte 0x3 at offset ${offset} in the padding behind its size word`),
      ] as const,
  ),
  ...[60, 63].map(
    (offset) =>
      [
        `byte ${offset} of the tail padding set`,
        (encode: Encode) => changed(encode([packetOf(44)]), offset, 0xff),
        0,
        new RegExp(`the byte 0xff at offset ${offset} in the padding behind its packet`),
      ] as const,
  ),
  [
    'an unaligned tail',
    (encode) => encode([packetOf(33)]).slice(0, HEADER + 33),
    0,
    /lacks 15 of the zero bytes that pad its packet of 33/,
  ],
  [
    'half a block of README padding',
    (encode) => Uint8Array.from([...encode([packetOf(32)]), ...new Uint8Array(8)]),
    1,
    /entry 1 at offset 48 is truncated: 8 bytes are left/,
  ],
  [
    'a second block of README padding',
    (encode) => Uint8Array.from([...encode([packetOf(32)]), ...new Uint8Array(32)]),
    1,
    /entry 1 at offset 64 has size 0/,
  ],
  [
    'a second block of README padding with a packet behind it',
    (encode) => {
      const one = encode([packetOf(32)]);
      return Uint8Array.from([...one, ...new Uint8Array(32), ...one]);
    },
    1,
    /entry 1 at offset 64 has size 0/,
  ],
];

for (const littleEndian of [true, false]) {
  const order = littleEndian ? 'little endian' : 'big endian';
  const encode: Encode = (packets) => naiveEncode(packets, 'driver', littleEndian);
  for (const [what, make, entry, message] of REFUSALS) {
    test(`the codec refuses ${what}, ${order}`, () => {
      const index = createBundleIndex();
      indexBundle(encode([packetOf(20)]), 48, index, littleEndian);
      const bundle = make(encode, littleEndian);
      assert.throws(
        () => indexBundle(bundle, bundle.length, index, littleEndian),
        (error: unknown) => {
          assert.ok(isTunError(error, 'ERR_TUN_BUNDLE_INVALID'), String(error));
          assert.match(error.message, message);
          assert.equal(error.packetIndex, entry);
          return true;
        },
      );
      assert.equal(index.count, 0);
    });
  }
}

test('a length that is no number is refused, not taken for an empty bundle', () => {
  const bundle = naiveEncode([packetOf(20)]);
  const index = createBundleIndex();
  for (const length of [Number.NaN, -16, 0, 16.5]) {
    assert.throws(
      () => indexBundle(bundle, length, index),
      (error: unknown) => isTunError(error, 'ERR_TUN_BUNDLE_INVALID'),
      `${length}`,
    );
    assert.equal(index.count, 0);
  }
  assert.throws(() => new BundleReader().reset(bundle, Number.NaN), /it is NaN bytes long/);
});

test('the writer refuses a length that is no whole number, and writes nothing', () => {
  const buffer = new Uint8Array(256).fill(0xa5);
  const writer = new BundleWriter(buffer);
  for (const [offset, length] of [
    [0, 60.5],
    [0, Number.NaN],
    [0.5, 20],
    [Number.NaN, 20],
  ] as const) {
    assert.throws(
      () => writer.append(packetOf(64), offset, length),
      (error: unknown) =>
        isTunError(error, 'ERR_TUN_PACKET_INVALID') && error.message.includes(`${length} bytes`),
    );
  }
  assert.equal(writer.length, 0);
  assert.ok(buffer.every((byte) => byte === 0xa5));
});

test('the writer fills a buffer that has grown since it was given', () => {
  // Resizable buffers are in Node 20, but not in the ES2023 types this project compiles with.
  type Resizable = ArrayBuffer & { resize(bytes: number): void };
  const make = ArrayBuffer as unknown as new (bytes: number, options: object) => Resizable;
  const buffer = new make(80, { maxByteLength: 4096 });
  const writer = new BundleWriter(new Uint8Array(buffer));
  const packets = [packetOf(64), packetOf(64, 0x60), packetOf(40, 0x60)];
  assert.equal(writer.append(packets[0]!), true);
  assert.equal(writer.append(packets[1]!), false);
  buffer.resize(4096);
  assert.equal(writer.append(packets[1]!), true);
  assert.equal(writer.append(packets[2]!), true);
  assert.deepEqual(writer.finish().slice(), naiveEncode(packets));
});

test('a prefix length of any size beyond the family is a RangeError', () => {
  for (const length of ['33', '128', '1000', '9'.repeat(400)]) {
    assert.throws(() => parsePrefix(`10.7.0.1/${length}`), RangeError);
  }
});

/** A bare packet whose header says its right length, as a program that forgot the bundle writes it. */
function bare(version: 4 | 6, size: number): Uint8Array {
  const packet = new Uint8Array(size).fill(0xa5);
  const view = new DataView(packet.buffer);
  if (version === 4) {
    view.setUint16(0, 0x4500);
    view.setUint16(2, size);
  } else {
    view.setUint32(0, 0x60000000);
    view.setUint16(4, size - 40);
  }
  return packet;
}

for (const littleEndian of [true, false]) {
  for (const [version, size] of [
    [4, 20],
    [4, 64],
    [4, 1500],
    [6, 40],
    [6, 112],
    [6, 1500],
  ] as const) {
    test(`a bare IPv${version} packet of ${size} bytes is taken for one, ${littleEndian ? 'little' : 'big'} endian`, () => {
      assert.throws(
        () => indexBundle(bare(version, size), size, createBundleIndex(), littleEndian),
        /is it a bare packet\? BundleWriter makes bundles/,
      );
    });
  }

  test(`a broken bundle is not taken for a bare packet, ${littleEndian ? 'little' : 'big'} endian`, () => {
    const bundle = naiveEncode([packetOf(0x45)], 'driver', littleEndian);
    assert.throws(
      () => indexBundle(changed(bundle, 5, 1), bundle.length, createBundleIndex(), littleEndian),
      (error: Error) => /in the padding/.test(error.message) && !/bare/.test(error.message),
    );
  });
}

test('a bare packet with nothing in it but its version is taken for one', () => {
  const packet = new Uint8Array(20);
  packet[0] = 0x45;
  assert.throws(() => indexBundle(packet, 20, createBundleIndex()), /is it a bare packet\?/);
});
