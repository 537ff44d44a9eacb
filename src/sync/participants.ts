/**
 * The threads that take part in an adapter: who has which block of shared memory (layout.ts).
 *
 * ```
 *  FREE ──offer──► OFFERED ──attach──► ATTACHED ──leave──► FREE
 *                     └──withdraw──► FREE    └──bury──► REAPING ──► FREE
 * ```
 */

import { MAX_PARTICIPANTS } from '../limits.ts';
import { Claim, ParticipantWord, participantIndex, Word } from './layout.ts';

/** Whether the thread of a participant still exists. */
export interface Liveness {
  /** May ask the system (some microseconds). True when it cannot be told. */
  isAlive(participant: number): boolean;
}

/** How a thread is known to the system; zeros when it cannot be told. */
export interface ThreadIdentity {
  readonly thread: number;
  readonly born: number;
}

/** All words of a block but the claim, which is changed last. */
const FIRST_WORD: number = ParticipantWord.CLAIM + 1;
const LAST_WORD: number = ParticipantWord.LANE;

/**
 * Reserves a block for a thread to come, which will use `lane`. By the owner. Returns its number, -1
 * when all are taken.
 */
export function offerParticipant(words: Int32Array, lane = 0): number {
  for (let i = 0; i < MAX_PARTICIPANTS; i++) {
    if (!changeClaim(words, i, Claim.FREE, Claim.OFFERED)) continue;
    Atomics.store(words, participantIndex(i, ParticipantWord.LANE), lane);
    raiseParticipants(words, i + 1);
    return i;
  }
  return -1;
}

/** The calling thread takes the block that was offered. False when it is not on offer (any more). */
export function attachParticipant(
  words: Int32Array,
  participant: number,
  identity: ThreadIdentity,
): boolean {
  if (claimOf(words, participant) !== Claim.OFFERED) return false;
  Atomics.store(words, participantIndex(participant, ParticipantWord.THREAD), identity.thread);
  Atomics.store(words, participantIndex(participant, ParticipantWord.BORN), identity.born);
  return changeClaim(words, participant, Claim.OFFERED, Claim.ATTACHED);
}

/** Takes an offer back; false when it was taken up meanwhile. */
export function withdrawParticipant(words: Int32Array, participant: number): boolean {
  return changeClaim(words, participant, Claim.OFFERED, Claim.FREE);
}

/** Begins to clean up after a thread; false when it is not attached, or somebody else does. */
export function beginBurial(words: Int32Array, participant: number): boolean {
  return changeClaim(words, participant, Claim.ATTACHED, Claim.REAPING);
}

/** Frees the block of a thread that was cleaned up after. */
export function endBurial(words: Int32Array, participant: number): void {
  clearBlock(words, participant);
  changeClaim(words, participant, Claim.REAPING, Claim.FREE);
}

/** The calling thread gives its block back. Its handles are closed and nothing of it is inside. */
export function leaveParticipant(words: Int32Array, participant: number): void {
  if (!beginBurial(words, participant)) return;
  endBurial(words, participant);
}

/** A value of {@link Claim}. */
export function claimOf(words: Int32Array, participant: number): number {
  return Atomics.load(words, participantIndex(participant, ParticipantWord.CLAIM));
}

/** The lane that a participant uses; meaningless for a block that is free. */
export function laneOf(words: Int32Array, participant: number): number {
  return Atomics.load(words, participantIndex(participant, ParticipantWord.LANE));
}

/**
 * The lane for one more thread: the first that no thread but the owner may use, which stays with lane
 * 0; 0 when there is none.
 */
export function freeLane(words: Int32Array, lanes: number): number {
  const participants = Atomics.load(words, Word.PARTICIPANTS);
  for (let lane = 1; lane < lanes; lane++) {
    let free = true;
    for (let i = 0; i < participants && free; i++) {
      free = claimOf(words, i) === Claim.FREE || laneOf(words, i) !== lane;
    }
    if (free) return lane;
  }
  return 0;
}

/** The identity a participant attached with. */
export function identityOf(words: Int32Array, participant: number): ThreadIdentity {
  return {
    thread: Atomics.load(words, participantIndex(participant, ParticipantWord.THREAD)),
    born: Atomics.load(words, participantIndex(participant, ParticipantWord.BORN)),
  };
}

function changeClaim(words: Int32Array, participant: number, from: number, to: number): boolean {
  const index = participantIndex(participant, ParticipantWord.CLAIM);
  return Atomics.compareExchange(words, index, from, to) === from;
}

function raiseParticipants(words: Int32Array, count: number): void {
  for (;;) {
    const seen = Atomics.load(words, Word.PARTICIPANTS);
    if (seen >= count) return;
    if (Atomics.compareExchange(words, Word.PARTICIPANTS, seen, count) === seen) return;
  }
}

function clearBlock(words: Int32Array, participant: number): void {
  for (let word = FIRST_WORD; word <= LAST_WORD; word++) {
    Atomics.store(words, participantIndex(participant, word), 0);
  }
}
