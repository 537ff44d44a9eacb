/** What is set right, and counted, after a thread that has ended without leaving. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buryParticipant } from '#dist/adapter/burial.js';
import type { SharedAdapter } from '#dist/adapter/shared-adapter.js';
import { Counters } from '#dist/sync/counters.js';
import { Counter, counterIndex, ParticipantWord, participantIndex } from '#dist/sync/layout.js';
import { attachParticipant, offerParticipant } from '#dist/sync/participants.js';
import { packet } from '../../support/packets.ts';
import { ScriptedLink } from '../../support/scripted-link.ts';

const TWO_TO_32 = 2 ** 32;
const MARK = 1 << 31;

/** An adapter with a second thread, whose number is returned: by the words it has left. */
function withDead(leave: (words: Int32Array, dead: number) => void): [SharedAdapter, number] {
  const link = new ScriptedLink(packet(1));
  const shared = link.accept();
  const { words } = shared;
  offerParticipant(words);
  const dead = offerParticipant(words);
  assert.ok(attachParticipant(words, dead, { thread: 1, born: 1 }));
  leave(words, dead);
  assert.ok(buryParticipant(shared, link, dead));
  return [shared, dead];
}

for (const [what, hand, abandoned] of [
  ['packets in its hand', 3, 3],
  ['a bundle that it had handed over', -3, 0],
  ['nothing in its hand', 0, 0],
] as const) {
  test(`of a thread that died with ${what}, ${abandoned} packets are abandoned`, () => {
    const [shared] = withDead((words, dead) => {
      words[participantIndex(dead, ParticipantWord.HAND)] = hand;
    });
    assert.equal(shared.counters.sum(Counter.DROP_ABANDONED), abandoned);
    assert.equal(shared.counters.sum(Counter.OUT_DISCARDS), abandoned);
  });
}

test('a counter whose thread died while it wrapped goes on counting in the next thread', () => {
  const counter = Counter.IN_OCTETS;
  const [shared, dead] = withDead((words, participant) => {
    const low = counterIndex(participant, counter);
    words[participantIndex(participant, ParticipantWord.WRAPPING)] = counter + 1;
    words[low] = 5;
    words[low + 1] = MARK;
  });
  assert.equal(shared.counters.sum(counter), TWO_TO_32 + 5);
  const next = new Counters(shared.words, dead);
  next.add(counter, 2 ** 31 - 1);
  next.add(counter, 10);
  assert.equal(shared.counters.sum(counter), TWO_TO_32 + 2 ** 31 + 14);
});
