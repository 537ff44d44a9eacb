import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LaneWord, laneIndex } from '#dist/sync/layout.js';
import { packet } from '../../support/packets.ts';
import { ScriptedLink } from '../../support/scripted-link.ts';

test('the numbers of packets go on beyond 32 bits, again and again', () => {
  const { lane, words } = new ScriptedLink(packet(1)).accept();
  for (const high of [0, 1, 2 ** 20]) {
    words[laneIndex(0, LaneWord.SEQUENCE_LOW)] = -2;
    words[laneIndex(0, LaneWord.SEQUENCE_HIGH)] = high;
    const first = (high + 1) * 2 ** 32 - 2;
    const numbers = [1, 1, 256, 1].map((packets) => lane.nextSequence(packets));
    assert.deepEqual(numbers, [first, first + 1, first + 2, first + 258]);
  }
});
