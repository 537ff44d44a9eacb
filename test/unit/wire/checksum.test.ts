import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { checksum, fold, sum } from '#dist/wire/checksum.js';
import { naiveChecksum } from '../../reference/checksum.ts';

const LONGEST = 9001;

test('the example of RFC 1071, section 3', () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  assert.equal(fold(sum(bytes, 0, bytes.length)), 0xddf2);
  assert.equal(checksum(bytes, 0, bytes.length), 0x220d);
});

test('every length up to 9001, at even and odd offsets, as the naive twin has it', () => {
  const seed = randomInt(2 ** 31);
  let state = seed;
  const bytes = Uint8Array.from({ length: LONGEST + 3 }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  });
  for (let length = 0; length <= LONGEST; length += length < 300 ? 1 : 97) {
    for (const offset of [0, 1, 2, 3]) {
      const expected = naiveChecksum([...bytes.subarray(offset, offset + length)]);
      assert.equal(checksum(bytes, offset, length), expected, `seed ${seed}, ${offset}+${length}`);
    }
  }
});

test('every length up to 9001 of nothing but ones', () => {
  const ones = new Uint8Array(LONGEST).fill(0xff);
  for (let length = 0; length <= LONGEST; length++) {
    const odd = length % 2 === 1;
    assert.equal(checksum(ones, 0, length), length === 0 ? 0xffff : odd ? 0x00ff : 0);
  }
});

test('a sum in parts is the sum of the whole', () => {
  const bytes = Uint8Array.from({ length: 101 }, (_, i) => i * 7);
  const parts = sum(bytes, 40, 61, sum(bytes, 0, 40));
  assert.equal(fold(parts), fold(sum(bytes, 0, 101)));
});
