/** What a thread that is alone leaves out is there when others come. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAdapterMemory, SharedAdapter } from '#dist/adapter/shared-adapter.js';
import { ParticipantWord, participantIndex } from '#dist/sync/layout.js';
import { ScriptedLink } from '../../support/scripted-link.ts';

const WORDS = {
  inside: participantIndex(0, ParticipantWord.INSIDE),
  lock: participantIndex(0, ParticipantWord.LOCK),
  hand: participantIndex(0, ParticipantWord.HAND),
} as const;

function adapter(alone: boolean): SharedAdapter {
  return new SharedAdapter({
    memory: createAdapterMemory(),
    participant: 0,
    liveness: { isAlive: () => true },
    place: new ScriptedLink(new Uint8Array(20)),
    dropPolicy: 'drop-oldest',
    alone,
  });
}

function seen({ words }: SharedAdapter): Record<keyof typeof WORDS, number> {
  return {
    inside: Atomics.load(words, WORDS.inside),
    lock: Atomics.load(words, WORDS.lock),
    hand: Atomics.load(words, WORDS.hand),
  };
}

for (const how of ['never alone', 'alone before'] as const) {
  test(`in company others see what a thread does: ${how}`, () => {
    const shared = adapter(how === 'alone before');
    if (how === 'alone before') shared.open();
    assert.equal(shared.alone, false);
    shared.rundown.enter();
    shared.lock.enterShared();
    shared.hand.add(3);
    assert.deepEqual(seen(shared), { inside: 1, lock: 1, hand: 3 });
    shared.hand.handOver();
    assert.equal(seen(shared).hand, -3);
    shared.hand.empty();
    shared.lock.leaveShared();
    shared.rundown.leave();
    assert.deepEqual(seen(shared), { inside: 0, lock: 0, hand: 0 });
  });
}

test('an operation that began alone is seen by others, and ends', () => {
  const shared = adapter(true);
  shared.rundown.enter();
  shared.rundown.enter();
  assert.equal(seen(shared).inside, 0);
  shared.open();
  assert.equal(seen(shared).inside, 2);
  shared.rundown.leave();
  assert.equal(seen(shared).inside, 1);
  shared.rundown.leave();
  assert.equal(seen(shared).inside, 0);
});

test('alone, packets in hand are known without shared memory', () => {
  const shared = adapter(true);
  shared.hand.add(2);
  shared.hand.drop(1);
  assert.equal(shared.hand.packets, 1);
  assert.equal(seen(shared).hand, 0);
});
