/**
 * The only place of this package that puts a thread to sleep, and the protocol by which no wake-up
 * is lost.
 *
 * Who waits: *announce* (PARKED = 1), *re-check* (CHANGES is still what it was before the last
 * attempt), *park*, and try again. Who changes something: make the change, CHANGES + 1, then wake
 * those that have announced themselves. Both sides write one word before they read the other's, and
 * `Atomics` are sequentially consistent: one of them sees the other.
 *
 * A thread parks where the link says: on its PARKED word, or in the kernel on the device and a
 * descriptor of its own at once. No wait lasts longer than `MAX_BLOCK_MS`, so that exit and
 * `terminate()` never hang.
 */

import { MAX_BLOCK_MS } from '../limits.ts';
import { ParticipantWord, participantIndex, Word } from './layout.ts';

/** Where a thread sleeps: the waiting side of a link. */
export interface ParkingPlace {
  /**
   * Parks the calling thread until the host has packets, or `words[index]` is not 1 and
   * {@link ParkingPlace.unpark} was called for it, or `timeoutMs` has passed. May return early.
   */
  park(participant: number, words: Int32Array, index: number, timeoutMs: number): void;
  /** Ends a `park` of that participant in whatever thread, now or when it begins. */
  unpark(participant: number): void;
}

/** The time a wait may really take. */
function capped(timeoutMs: number): number {
  return Math.min(Math.max(timeoutMs, 0), MAX_BLOCK_MS);
}

/**
 * Parks the calling thread until `words[index]` differs from `expected` and somebody notified, or
 * `timeoutMs` (at most `MAX_BLOCK_MS`) has passed. Returns at once when it differs already. May
 * return early.
 */
export function parkOnWord(
  words: Int32Array,
  index: number,
  expected: number,
  timeoutMs: number,
): void {
  Atomics.wait(words, index, expected, capped(timeoutMs));
}

/**
 * Resolves when `words[index]` differs from `expected` and somebody notified. Never keeps the event
 * loop alive, and never rejects.
 */
export async function whenNotified(
  words: Int32Array,
  index: number,
  expected: number,
): Promise<void> {
  const waiting = Atomics.waitAsync(words, index, expected);
  if (waiting.async) await waiting.value;
}

export class Wake {
  readonly #words: Int32Array;
  readonly #participant: number;
  readonly #place: ParkingPlace;
  readonly #parked: number;

  /** `words` is the adapter's memory, `participant` this thread's number. */
  constructor(words: Int32Array, participant: number, place: ParkingPlace) {
    this.#words = words;
    this.#participant = participant;
    this.#place = place;
    this.#parked = participantIndex(participant, ParticipantWord.PARKED);
  }

  /** To be read before an attempt, and passed to {@link wait} when the attempt was in vain. */
  get changes(): number {
    return Atomics.load(this.#words, Word.CHANGES);
  }

  /**
   * Parks until the host has packets, somebody announced a change since `changes` was read, or
   * `timeoutMs` has passed. `host` says whether packets of the host are of interest at all.
   */
  wait(changes: number, timeoutMs: number, host: boolean): void {
    const words = this.#words;
    Atomics.store(words, this.#parked, 1);
    if (Atomics.load(words, Word.CHANGES) === changes) {
      if (host) this.#place.park(this.#participant, words, this.#parked, capped(timeoutMs));
      else parkOnWord(words, this.#parked, 1, timeoutMs);
    }
    Atomics.store(words, this.#parked, 0);
  }

  /** Tells all other participants that something they may wait for is different. */
  announce(): void {
    const words = this.#words;
    Atomics.add(words, Word.CHANGES, 1);
    const participants = Atomics.load(words, Word.PARTICIPANTS);
    for (let i = 0; i < participants; i++) {
      if (i === this.#participant) continue;
      const parked = participantIndex(i, ParticipantWord.PARKED);
      if (Atomics.load(words, parked) === 1 && Atomics.exchange(words, parked, 0) === 1) {
        Atomics.notify(words, parked);
        this.#place.unpark(i);
      }
      const asleep = participantIndex(i, ParticipantWord.ASLEEP);
      if (Atomics.load(words, asleep) === 1 && Atomics.exchange(words, asleep, 0) === 1) {
        Atomics.notify(words, asleep);
      }
    }
  }
}
