import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counters } from '#dist/sync/counters.js';
import {
  Counter,
  counterIndex,
  ParticipantWord,
  participantIndex,
  QUEUE_START_BYTES,
} from '#dist/sync/layout.js';

function wordsOf(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(QUEUE_START_BYTES));
}

test('a counter carries from its low into its high word', () => {
  const words = wordsOf();
  const counters = new Counters(words, 0);
  counters.add(Counter.OUT_OCTETS, 2 ** 32 - 1);
  counters.add(Counter.OUT_OCTETS, 2);
  assert.equal(counters.sum(Counter.OUT_OCTETS), 2 ** 32 + 1);
  counters.add(Counter.OUT_OCTETS, 2 ** 32 - 1);
  assert.equal(counters.sum(Counter.OUT_OCTETS), 2 ** 33);
});

test('a sum covers the blocks of all participants and no other counter', () => {
  const words = wordsOf();
  const first = new Counters(words, 0);
  const last = new Counters(words, 63);
  first.add(Counter.OUT_DISCARDS, 3);
  last.add(Counter.OUT_DISCARDS, 4);
  last.add(Counter.BUNDLES_READ, 100);
  assert.equal(first.sum(Counter.OUT_DISCARDS), 7);
  assert.equal(first.sum(Counter.BUNDLES_READ), 100);
  assert.equal(first.sum(Counter.BUNDLES_WRITTEN), 0);
});

test('the largest bundle is a maximum over participants', () => {
  const words = wordsOf();
  const first = new Counters(words, 0);
  const second = new Counters(words, 1);
  first.raise(Counter.LARGEST_BUNDLE, 9);
  first.raise(Counter.LARGEST_BUNDLE, 4);
  second.raise(Counter.LARGEST_BUNDLE, 12);
  assert.equal(first.largest(Counter.LARGEST_BUNDLE), 12);
});

test('a participant beyond the last block is refused', () => {
  assert.throws(() => new Counters(wordsOf(), 64), /participant 64 is out of range: 0 to 63/);
});

test('no two counters share a word, and none lies outside the map', () => {
  const seen = new Set<number>();
  for (const participant of [0, 1, 63]) {
    for (const counter of Object.values(Counter)) {
      const index = counterIndex(participant, counter);
      assert.ok(index + 1 < QUEUE_START_BYTES / 4);
      assert.ok(!seen.has(index) && !seen.has(index + 1));
      seen.add(index).add(index + 1);
    }
  }
});

test('a thread that dies while a counter wraps leaves one that can be read, and mended', () => {
  const MARK = 1 << 31;
  for (const [low, value] of [
    [-5, 3 * 2 ** 32 + (2 ** 32 - 5)],
    [7, 4 * 2 ** 32 + 7],
  ] as const) {
    const words = wordsOf();
    const counters = new Counters(words, 0);
    const index = counterIndex(1, Counter.OUT_OCTETS);
    words[index] = low;
    words[index + 1] = 3 | MARK;
    words[participantIndex(1, ParticipantWord.WRAPPING)] = Counter.OUT_OCTETS + 1;
    assert.equal(counters.sum(Counter.OUT_OCTETS), value);
    counters.repair(1);
    assert.equal(counters.sum(Counter.OUT_OCTETS), value);
    assert.ok(words[index + 1]! >= 0);
    // The thread that has the block next goes on from there.
    new Counters(words, 1).add(Counter.OUT_OCTETS, 100);
    assert.equal(counters.sum(Counter.OUT_OCTETS), value + 100);
  }
});
