/**
 * A mutex for a few words of work, in one word of shared memory, that outlives the death of its
 * holder: a thread that has waited for a while asks whether the holder still exists, and if not takes
 * the mutex over, told so that it can repair what was left half done.
 *
 * ```
 *  0                      free
 *  holder + 1             held by that participant
 *  holder + 1 | CONTENDED held, and somebody is parked on it
 * ```
 *
 * Not recursive. Not fair: whoever comes first when it becomes free. The hold is meant to be short.
 */

import { MAX_PARTICIPANTS } from '../limits.ts';
import type { Liveness } from './participants.ts';
import { parkOnWord } from './wake.ts';

const FREE = 0;
/** What {@link Mutex.lock} returns when nobody died. */
export const NOBODY = -1;
/** Above every participant number + 1. */
const CONTENDED: number = 2 * MAX_PARTICIPANTS;
const HOLDER_MASK: number = CONTENDED - 1;

/** A waiter asks for the holder's life this often, in ms. */
export const LIVENESS_CHECK_MS = 10;

export class Mutex {
  readonly #words: Int32Array;
  readonly #index: number;
  readonly #participant: number;
  readonly #liveness: Liveness;

  /** A view of the mutex in `words[index]` for one participant. */
  constructor(words: Int32Array, index: number, participant: number, liveness: Liveness) {
    this.#words = words;
    this.#index = index;
    this.#participant = participant;
    this.#liveness = liveness;
  }

  /**
   * Waits for the mutex and takes it. Returns {@link NOBODY}, or the participant that died holding it:
   * what it guards may be half changed.
   */
  lock(): number {
    const words = this.#words;
    const index = this.#index;
    const mine = this.#participant + 1;
    if (Atomics.compareExchange(words, index, FREE, mine) === FREE) return NOBODY;
    for (;;) {
      const seen = Atomics.load(words, index);
      if (seen === FREE) {
        // Others may be parked: from now on the word says so, and our unlock wakes one.
        if (Atomics.compareExchange(words, index, FREE, mine | CONTENDED) === FREE) return NOBODY;
        continue;
      }
      const contended = seen | CONTENDED;
      if (seen !== contended && Atomics.compareExchange(words, index, seen, contended) !== seen) {
        continue;
      }
      parkOnWord(words, index, contended, LIVENESS_CHECK_MS);
      const holder = (contended & HOLDER_MASK) - 1;
      if (Atomics.load(words, index) !== contended || this.#liveness.isAlive(holder)) continue;
      if (Atomics.compareExchange(words, index, contended, mine | CONTENDED) === contended) {
        return holder;
      }
    }
  }

  /** Gives the mutex back. Only its holder may. */
  unlock(): void {
    if ((Atomics.exchange(this.#words, this.#index, FREE) & CONTENDED) !== 0) {
      Atomics.notify(this.#words, this.#index, 1);
    }
  }
}
