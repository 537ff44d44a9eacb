import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BundleReader, BundleWriter, isTunError } from 'typetun';
import { entryBytes, MAX_BUNDLE_BYTES } from '#dist/limits.js';
import {
  createBundleIndex,
  HOST_LITTLE_ENDIAN,
  indexBundle,
  isPacket,
  readSizeWord,
  writeEntryHeader,
  writeEntryTail,
} from '#dist/wire/bundle.js';
import { naiveDecode, naiveEncode, padding } from '../../reference/bundle.ts';

/** A packet of `size` bytes (20 or more) with every byte set but the version. */
function packetOf(size: number): Uint8Array {
  const packet = new Uint8Array(size).fill(0xa5);
  packet[0] = 0x45;
  return packet;
}

function sizesOf(bundle: Uint8Array, littleEndian = HOST_LITTLE_ENDIAN): number[] {
  const index = createBundleIndex();
  indexBundle(bundle, bundle.length, index, littleEndian);
  return [...index.lengths.subarray(0, index.count)];
}

test('the two padding forms differ only for multiples of 16', () => {
  assert.deepEqual(
    [15, 16, 17, 32].map((size) => [padding(size, 'driver'), padding(size, 'readme')]),
    [
      [1, 1],
      [0, 16],
      [15, 15],
      [0, 16],
    ],
  );
  assert.deepEqual([15, 16, 17, 32].map(entryBytes), [32, 32, 48, 48]);
});

for (const form of ['driver', 'readme'] as const) {
  for (const sizes of [[20], [31], [32], [33], [32, 32, 48], [20, 32, 31, 64, 21]]) {
    test(`packets of ${sizes.join(', ')} bytes in the ${form}'s form are found`, () => {
      const packets = sizes.map(packetOf);
      const bundle = naiveEncode(packets, form);
      assert.deepEqual(sizesOf(bundle), sizes);
      const reader = new BundleReader();
      reader.reset(bundle);
      for (const packet of packets) {
        assert.ok(reader.next());
        assert.deepEqual(reader.packet(), packet);
      }
      assert.equal(reader.next(), false);
    });
  }
}

test('exactly one block of README padding is skipped, also at the end; a second is refused', () => {
  const bundle = naiveEncode([packetOf(32)], 'readme');
  assert.equal(bundle.length, 64);
  assert.deepEqual(sizesOf(bundle), [32]);
  const twice = new Uint8Array(80);
  twice.set(bundle);
  assert.throws(() => sizesOf(twice), /entry 1 at offset 64 has size 0/);
  // Behind a size that is no multiple of 16 there is no such block at all.
  const odd = new Uint8Array(80);
  odd.set(naiveEncode([packetOf(33)]));
  assert.throws(() => sizesOf(odd), /entry 1 at offset 64 has size 0/);
});

test('both byte orders are read and written', () => {
  for (const littleEndian of [true, false]) {
    const packets = [packetOf(300), packetOf(20)];
    const bundle = naiveEncode(packets, 'driver', littleEndian);
    assert.deepEqual(sizesOf(bundle, littleEndian), [300, 20]);
    assert.throws(() => sizesOf(bundle, !littleEndian), /this host's byte order/);
    const header = new Uint8Array(16).fill(0xa5);
    writeEntryHeader(header, 0, 300, littleEndian);
    assert.deepEqual(header, bundle.subarray(0, 16));
    assert.equal(readSizeWord(header, 0, littleEndian), 300);
  }
});

test('a size word of 2^32 - 1 reads as itself, not as -1', () => {
  assert.equal(readSizeWord(new Uint8Array(4).fill(0xff), 0, true), 4_294_967_295);
  assert.equal(readSizeWord(new Uint8Array(4).fill(0xff), 0, false), 4_294_967_295);
});

test('the tail is zeroed up to the next entry and no further', () => {
  const bytes = new Uint8Array(64).fill(0xa5);
  assert.equal(writeEntryTail(bytes, 0, 21), 48);
  assert.deepEqual([...bytes.subarray(36, 38)], [0xa5, 0]);
  assert.ok(bytes.subarray(37, 48).every((byte) => byte === 0));
  assert.equal(bytes[48], 0xa5);
  assert.equal(writeEntryTail(bytes, 0, 32), 48);
});

test('256 packets pass and the largest packet passes', () => {
  assert.equal(sizesOf(naiveEncode(new Array(256).fill(packetOf(20)))).length, 256);
  assert.deepEqual(sizesOf(naiveEncode([packetOf(61_424)])), [61_424]);
});

test('after a refusal the index is empty, whatever was valid before it', () => {
  const index = createBundleIndex();
  const bundle = naiveEncode([packetOf(20), packetOf(20)]);
  indexBundle(bundle, bundle.length, index);
  assert.equal(index.count, 2);
  bundle[48 + 16] = 0x15;
  assert.throws(
    () => indexBundle(bundle, bundle.length, index),
    (error: unknown) => isTunError(error, 'ERR_TUN_BUNDLE_INVALID') && error.packetIndex === 1,
  );
  assert.equal(index.count, 0);
});

test('a length beyond the buffer or beyond the limit of a bundle is refused', () => {
  const index = createBundleIndex();
  assert.throws(() => indexBundle(new Uint8Array(32), 33, index), /length 33 exceeds the 32 bytes/);
  const huge = new Uint8Array(MAX_BUNDLE_BYTES + 16);
  assert.throws(() => indexBundle(huge, huge.length, index), /at most 15728640 are taken at once/);
});

test('a packet is 20 bytes of version 4 or 40 of version 6, up to the limit', () => {
  const cases: [number, number, boolean][] = [
    [0x45, 19, false],
    [0x45, 20, true],
    [0x4f, 61_424, true],
    [0x45, 61_425, false],
    [0x60, 39, false],
    [0x60, 40, true],
    [0x55, 40, false],
    [0x05, 40, false],
    [0xf5, 40, false],
  ];
  for (const [first, length, valid] of cases) {
    assert.equal(isPacket(first, length), valid, `${first} ${length}`);
  }
});

test('the writer writes what the naive one writes, and stops when full', () => {
  const packets = [packetOf(20), packetOf(32), packetOf(333)];
  const expected = naiveEncode(packets);
  const writer = new BundleWriter(new Uint8Array(expected.length).fill(0xa5));
  for (const packet of packets) assert.ok(writer.append(packet));
  assert.equal(writer.append(packetOf(20)), false);
  assert.deepEqual(writer.finish(), expected);
  assert.deepEqual(naiveDecode(writer.finish()), packets);
  assert.equal(writer.count, 3);
  writer.reset();
  assert.equal(writer.length, 0);
  for (let i = 0; i < 256; i++) {
    if (i === 0) writer.reset(new Uint8Array(257 * 48));
    assert.ok(writer.append(packetOf(20)));
  }
  assert.equal(writer.append(packetOf(20)), false, 'a 257th packet');
});

test('the writer takes parts of a buffer and refuses what is no packet', () => {
  const source = new Uint8Array(100);
  source.set(packetOf(20), 7);
  const writer = new BundleWriter();
  assert.ok(writer.append(source, 7, 20));
  assert.deepEqual(naiveDecode(writer.finish()), [packetOf(20)]);
  const wrong: [number, number][] = [
    [0, 20],
    [7, 19],
    [90, 20],
    [-1, 20],
    [7, 94],
  ];
  for (const [offset, length] of wrong) {
    assert.throws(
      () => writer.append(source, offset, length),
      (error: unknown) => isTunError(error, 'ERR_TUN_PACKET_INVALID'),
    );
  }
  assert.equal(writer.count, 1);
});

test('a reader that was refused a bundle is empty', () => {
  const reader = new BundleReader();
  reader.reset(naiveEncode([packetOf(20)]));
  assert.throws(() => reader.reset(new Uint8Array(5)));
  assert.equal(reader.next(), false);
  assert.equal(reader.count, 0);
});
