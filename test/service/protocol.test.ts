/** The framing codecs of both protocols, whatever comes in whatever pieces. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isTunError, TunErrorCode } from 'typetun';
import {
  CLIENT_FRAMES,
  encodeFrame,
  FRAME_HEADER_BYTES,
  FrameType,
  readFrameHeader,
} from '#dist/service/device-protocol.js';
import { FrameReader } from '#dist/service/frame-reader.js';
import { LineReader } from '#dist/service/lines.js';

const LITTLE = { maxLength: 300 };

/** A frame that a client may send. */
const frame = fc.oneof(
  fc.record({
    type: fc.constantFrom(FrameType.HELLO, FrameType.WRITE),
    tag: fc.integer({ min: 0, max: 0xffffffff }),
    value: fc.integer({ min: 0, max: 0xffffffff }),
    payload: fc.uint8Array(LITTLE),
  }),
  fc.record({
    type: fc.constant(FrameType.READ),
    tag: fc.integer({ min: 0, max: 0xffffffff }),
    value: fc.integer({ min: 0, max: 0xffffffff }),
    payload: fc.constant(new Uint8Array()),
  }),
);

/** Cuts bytes in pieces of these lengths, over and over. */
function* pieces(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length]!;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

const cuts = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 });

describe('frames', () => {
  test('come out as they went in, in whatever pieces', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 20 }), cuts, (frames, lengths) => {
        const stream = Buffer.concat(
          frames.map(({ type, tag, value, payload }) => encodeFrame(type, tag, value, payload)),
        );
        const reader = new FrameReader(CLIENT_FRAMES);
        const got: unknown[] = [];
        for (const piece of pieces(stream, lengths)) {
          reader.push(piece);
          for (let one = reader.next(); one !== undefined; one = reader.next()) {
            const { type, tag, value } = one;
            got.push({ type, tag, value, payload: reader.payload(one).slice() });
          }
        }
        assert.deepEqual(
          got,
          frames.map((one) => ({ ...one })),
        );
        assert.equal(reader.isPartial, false);
      }),
    );
  });

  test('of random bytes are refused by their protocol error, or wait for more', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), cuts, (bytes, lengths) => {
        const reader = new FrameReader(CLIENT_FRAMES);
        try {
          for (const piece of pieces(bytes, lengths)) {
            reader.push(piece);
            while (reader.next() !== undefined);
          }
        } catch (error) {
          assert.ok(isTunError(error, TunErrorCode.PROTOCOL));
        }
      }),
    );
  });

  test('of one bit wrong in a header are refused, or say something else', () => {
    const good = encodeFrame(FrameType.READ, 7, 0);
    for (let bit = 0; bit < FRAME_HEADER_BYTES * 8; bit++) {
      const bytes = good.slice();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      try {
        const { type, tag, value, payloadBytes } = readFrameHeader(bytes, 0, CLIENT_FRAMES);
        assert.notDeepEqual(
          { type, tag, value, payloadBytes },
          readFrameHeader(good, 0, CLIENT_FRAMES),
        );
      } catch (error) {
        assert.ok(isTunError(error, TunErrorCode.PROTOCOL));
      }
    }
  });

  test('take memory by what has arrived, not by what they say', () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 64 }, () => {
      const reader = new FrameReader(CLIENT_FRAMES);
      const announced = new Uint8Array(FRAME_HEADER_BYTES);
      new DataView(announced.buffer).setUint32(0, 15_728_640, true);
      announced[4] = FrameType.WRITE;
      reader.push(announced);
      assert.equal(reader.next(), undefined);
      return reader;
    });
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 2 ** 20);
    assert.ok(readers.every(({ isPartial }) => isPartial));
  });
});

describe('lines', () => {
  test('come out as they went in, in whatever pieces', () => {
    const text = fc
      .string({ unit: 'grapheme', maxLength: 50 })
      .map((one) => one.replace(/\n/g, ''));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 20 }), cuts, (lines, lengths) => {
        const stream = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const reader = new LineReader(1000);
        const got = [...pieces(stream, lengths)].flatMap((one) => reader.push(Buffer.from(one))!);
        assert.deepEqual(got, lines);
        assert.equal(reader.isPartial, false);
      }),
    );
  });

  test('of more than they may have are refused, also when they come in pieces', () => {
    const reader = new LineReader(10);
    assert.deepEqual(reader.push(Buffer.from('123456789\n0')), ['123456789']);
    assert.deepEqual(reader.push(Buffer.from('123456789\n')), ['0123456789']);
    assert.deepEqual(reader.push(Buffer.from('123456')), []);
    assert.equal(reader.push(Buffer.from('7890x')), undefined);
  });
});
