/**
 * The bundle codec against random and mutated input, for TYPETUN_FUZZ_MS each (default 3 s): it is
 * either refused by name or describes exactly what is there, within the buffer.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isTunError } from 'typetun';
import { createBundleIndex, indexBundle } from '#dist/wire/bundle.js';
import { naiveDecode, naiveEncode } from '../reference/bundle.ts';

const MS = Number(process.env['TYPETUN_FUZZ_MS'] ?? 3000);
const LITTLE_ENDIAN = [true, false];

/** Checks one input; returns whether it was taken. */
function check(bytes: Uint8Array, littleEndian: boolean): boolean {
  const index = createBundleIndex();
  const before = bytes.slice();
  try {
    indexBundle(bytes, bytes.length, index, littleEndian);
  } catch (error) {
    assert.ok(isTunError(error, 'ERR_TUN_BUNDLE_INVALID'), String(error));
    assert.equal(index.count, 0);
    return false;
  } finally {
    assert.deepEqual(bytes, before, 'reading changes nothing');
  }
  assert.ok(index.count >= 1 && index.count <= 256);
  const packets: Uint8Array[] = [];
  let end = 0;
  for (let i = 0; i < index.count; i++) {
    const [offset, length] = [index.offsets[i]!, index.lengths[i]!];
    assert.ok(offset % 16 === 0 && offset >= end + 16, 'entries do not overlap');
    end = offset + length;
    assert.ok(end <= bytes.length, 'packets lie within the buffer');
    packets.push(bytes.slice(offset, end));
  }
  // What is not packet or size word is zero, so that the packets alone make the bundle again.
  assert.deepEqual(
    naiveDecode(naiveEncode(packets, 'driver', littleEndian), littleEndian),
    packets,
  );
  const rest = bytes.slice();
  for (let i = 0; i < index.count; i++) {
    const offset = index.offsets[i]!;
    rest.fill(0, offset, offset + index.lengths[i]!);
    rest.fill(0, offset - 16, offset - 12);
  }
  assert.ok(rest.every((byte) => byte === 0));
  return true;
}

const packet = fc
  .tuple(fc.constantFrom(0x45, 0x60), fc.integer({ min: 40, max: 200 }), fc.nat(255))
  .map(([first, length, fill]) => {
    const bytes = new Uint8Array(length).fill(fill);
    bytes[0] = first;
    return bytes;
  });

function run(property: fc.IProperty<[Uint8Array, boolean]>): void {
  // Interrupted by time is success; a failure prints its seed.
  fc.assert(property, {
    numRuns: Number.MAX_SAFE_INTEGER,
    plugins: [fc.interruptAfterTimeLimit(MS)],
  });
}

test('random bytes are refused by name or described exactly', () => {
  const bytes = fc.uint8Array({ maxLength: 600 });
  run(
    fc.property(
      bytes,
      fc.constantFrom(...LITTLE_ENDIAN),
      (input, order) => void check(input, order),
    ),
  );
});

test('valid bundles with a few bytes changed are refused by name or described exactly', () => {
  let taken = 0;
  let refused = 0;
  const mutation = fc.tuple(fc.nat(4000), fc.oneof(fc.constant(0), fc.nat(255)));
  const mutated = fc
    .tuple(
      fc.array(packet, { minLength: 1, maxLength: 8 }),
      fc.constantFrom('driver' as const, 'readme' as const),
      fc.array(mutation, { maxLength: 3 }),
      fc.nat(40),
    )
    .map(([packets, form, mutations, cut]) => {
      const bundle = naiveEncode(packets, form, true);
      for (const [offset, value] of mutations) bundle[offset % bundle.length] = value;
      return bundle.subarray(0, cut > 30 ? bundle.length - (cut - 30) : bundle.length).slice();
    });
  run(
    fc.property(mutated, fc.constant(true), (input, order) => {
      if (check(input, order)) taken++;
      else refused++;
    }),
  );
  assert.ok(taken > 0 && refused > 0, `${taken} taken, ${refused} refused: both must happen`);
});
