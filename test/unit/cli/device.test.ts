/** A part of `typetun device`: cutting a stream into bundles. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BundleReader, BundleWriter, MAX_BUNDLE_BYTES, TunErrorCode } from 'typetun';
import { type Cut, EntryCutter } from '#dist/cli/device/entry-cutter.js';
import { numberOf, packet } from '../../support/packets.ts';

/** Entries of packets of these lengths, numbered; with the README's padding where `padded`. */
function entries(lengths: readonly number[], padded = false): Buffer {
  const parts = lengths.map((length, number) => {
    const writer = new BundleWriter();
    writer.append(packet(number, length));
    const block = padded && length % 16 === 0 ? 16 : 0;
    return Buffer.concat([writer.finish(), Buffer.alloc(block)]);
  });
  return Buffer.concat(parts);
}

/** What comes of a stream in chunks: the numbers of the packets, checked as a device would. */
function cut(
  stream: Uint8Array,
  chunkBytes: readonly number[],
): { numbers: number[]; cuts: Cut[] } {
  const cutter = new EntryCutter();
  const reader = new BundleReader();
  const numbers: number[] = [];
  const cuts: Cut[] = [];
  let at = 0;
  for (let i = 0; at < stream.length; i++) {
    const end = at + (chunkBytes[i % chunkBytes.length] ?? stream.length);
    for (const one of cutter.push(stream.slice(at, end))) {
      cuts.push(one);
      reader.reset(one.bytes);
      assert.equal(reader.count, one.packets);
      while (reader.next()) numbers.push(numberOf(reader.packet()));
    }
    at = end;
  }
  cutter.end();
  return { numbers, cuts };
}

describe('the entries of a stream', () => {
  test('come out as they went in, wherever the stream is broken and whichever padding it has', () => {
    const lengths = fc.array(fc.integer({ min: 28, max: 200 }), { minLength: 1, maxLength: 40 });
    const chunks = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(lengths, chunks, fc.boolean(), (packets, sizes, padded) => {
        const { numbers } = cut(entries(packets, padded), sizes);
        assert.deepEqual(
          numbers,
          packets.map((_, i) => i),
        );
      }),
    );
  });

  test('are at most 256 in a bundle', () => {
    const { numbers, cuts } = cut(entries(Array(600).fill(28)), [MAX_BUNDLE_BYTES]);
    assert.deepEqual(
      cuts.map(({ packets }) => packets),
      [256, 256, 88],
    );
    assert.equal(numbers.length, 600);
  });

  test('are refused where there are none, with the offset in the stream', () => {
    const good = entries([100]);
    const wrong = {
      code: TunErrorCode.BUNDLE_INVALID,
      message: new RegExp(`offset ${good.length} `),
    };
    const zeros = Buffer.concat([good, Buffer.alloc(16)]);
    assert.throws(() => cut(zeros, [7]), wrong, 'zeros behind an entry that needs no padding');
    const huge = Buffer.concat([good, Buffer.alloc(16, 0xff)]);
    assert.throws(() => cut(huge, [1000]), wrong);
  });

  test('may not end in the middle of one', () => {
    const stream = entries([100, 100]);
    assert.throws(() => cut(stream.subarray(0, -1), [64]), {
      code: TunErrorCode.BUNDLE_INVALID,
      message: /the last 127 bytes, from offset 128 on/,
    });
  });
});
