import assert from 'node:assert/strict';
import { test } from 'node:test';
import { below, fraction, Random } from '#dist/link/memory/random.js';
import { sfc32 } from '../../reference/sfc32.ts';

function draw(seed: number, stream: number, count: number): number[] {
  const random = new Random(seed, stream);
  return Array.from({ length: count }, () => random.next() >>> 0);
}

test('equals its naive twin for ordinary, negative and 53-bit seeds', () => {
  for (const seed of [0, 1, 2, -1, 2 ** 31, 2 ** 32 + 5, -(2 ** 40), Number.MAX_SAFE_INTEGER]) {
    for (const stream of [0, 1, 0x7fffffff]) {
      assert.deepEqual(draw(seed, stream, 100), sfc32(seed, stream, 100), `seed ${seed}`);
    }
  }
});

test('gives the same numbers for a seed again, and others for another seed or stream', () => {
  assert.deepEqual(draw(7, 0, 50), draw(7, 0, 50));
  assert.notDeepEqual(draw(7, 0, 50), draw(8, 0, 50));
  assert.notDeepEqual(draw(7, 0, 50), draw(7, 1, 50));
  assert.notDeepEqual(draw(7, 0, 50), draw(7 + 2 ** 32, 0, 50), 'the high half of a seed counts');
});

test('spreads evenly over [0, 1) and over small ranges', () => {
  const random = new Random(1, 0);
  const samples = 100_000;
  let total = 0;
  const buckets = [0, 0, 0];
  for (let i = 0; i < samples; i++) {
    const value = fraction(random.next());
    assert.ok(value >= 0 && value < 1);
    total += value;
    buckets[below(random.next(), 3)]!++;
  }
  assert.ok(Math.abs(total / samples - 0.5) < 0.005, `mean ${total / samples}`);
  for (const bucket of buckets) assert.ok(Math.abs(bucket / samples - 1 / 3) < 0.01);
});

test('refuses a seed that is no safe integer, naming it', () => {
  for (const seed of [0.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => new Random(seed, 0), {
      name: 'RangeError',
      message: new RegExp(`${seed}`),
    });
  }
});
