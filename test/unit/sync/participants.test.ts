/** The blocks of threads: offered, taken, given back, and the lane each is given. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QUEUE_START_BYTES } from '#dist/sync/layout.js';
import {
  attachParticipant,
  freeLane,
  laneOf,
  leaveParticipant,
  offerParticipant,
  withdrawParticipant,
} from '#dist/sync/participants.js';

const IDENTITY = { thread: 1, born: 2 };

function words(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(QUEUE_START_BYTES));
}

/** Offers a block with the lane that is free; returns both. */
function offer(memory: Int32Array, lanes: number): readonly [participant: number, lane: number] {
  const participant = offerParticipant(memory, freeLane(memory, lanes));
  return [participant, laneOf(memory, participant)];
}

test('each thread gets a lane of its own while there are any, then that of the owner', () => {
  const memory = words();
  offerParticipant(memory);
  assert.deepEqual(
    Array.from({ length: 5 }, () => offer(memory, 4)),
    [
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 0],
      [5, 0],
    ],
  );
});

test('a lane is free again when its thread has left, or its token was withdrawn', () => {
  const memory = words();
  offerParticipant(memory);
  assert.deepEqual(offer(memory, 3), [1, 1]);
  assert.deepEqual(offer(memory, 3), [2, 2]);
  assert.ok(attachParticipant(memory, 1, IDENTITY));
  assert.equal(freeLane(memory, 3), 0);
  leaveParticipant(memory, 1);
  assert.deepEqual(offer(memory, 3), [1, 1]);
  assert.ok(withdrawParticipant(memory, 2));
  assert.deepEqual(offer(memory, 3), [2, 2]);
});

test('an adapter of one lane has no other', () => {
  const memory = words();
  offerParticipant(memory);
  assert.deepEqual(offer(memory, 1), [1, 0]);
});
