/**
 * 64-bit counters in shared memory without BigInt and without locks: each participant adds to a
 * block of its own, a reader sums the blocks.
 *
 * A counter is a low and a high word. When the low word wraps, its writer first marks the high word
 * (sign bit), then stores the low word, then the high word without the mark: a reader that sees the
 * mark, or a high word that changed while it read the low one, reads again.
 */

import { MAX_PARTICIPANTS } from '../limits.ts';
import { type Counter, counterIndex } from './layout.ts';

const TWO_TO_32 = 2 ** 32;
const WRAP_MARK = 1 << 31;

export class Counters {
  readonly #words: Int32Array;
  readonly #participant: number;

  /** `words` is the adapter's memory (layout.ts); `participant` the block this thread writes. */
  constructor(words: Int32Array, participant: number) {
    if (participant < 0 || participant >= MAX_PARTICIPANTS) {
      throw new RangeError(
        `participant ${participant} is out of range: 0 to ${MAX_PARTICIPANTS - 1}`,
      );
    }
    this.#words = words;
    this.#participant = participant;
  }

  /** Adds `amount` (0 to 2^32 - 1) to this participant's `counter`. Allocates nothing. */
  add(counter: Counter, amount: number): void {
    if (amount === 0) return;
    const low = counterIndex(this.#participant, counter);
    const before = Atomics.load(this.#words, low) >>> 0;
    const after = before + amount;
    if (after < TWO_TO_32) {
      Atomics.store(this.#words, low, after | 0);
      return;
    }
    const high = Atomics.load(this.#words, low + 1);
    Atomics.store(this.#words, low + 1, high | WRAP_MARK);
    Atomics.store(this.#words, low, (after - TWO_TO_32) | 0);
    Atomics.store(this.#words, low + 1, high + 1);
  }

  /** Raises this participant's `counter` to `value` (below 2^32) when that is more. */
  raise(counter: Counter, value: number): void {
    const low = counterIndex(this.#participant, counter);
    if (value > Atomics.load(this.#words, low) >>> 0) Atomics.store(this.#words, low, value | 0);
  }

  /** Sum over all participants. Exact up to 2^53. */
  sum(counter: Counter): number {
    let total = 0;
    for (let i = 0; i < MAX_PARTICIPANTS; i++) total += this.#read(counterIndex(i, counter));
    return total;
  }

  /** This participant's part of it. */
  own(counter: Counter): number {
    return this.#read(counterIndex(this.#participant, counter));
  }

  /** Largest value of any participant. */
  largest(counter: Counter): number {
    let most = 0;
    for (let i = 0; i < MAX_PARTICIPANTS; i++) {
      most = Math.max(most, this.#read(counterIndex(i, counter)));
    }
    return most;
  }

  #read(low: number): number {
    for (;;) {
      const high = Atomics.load(this.#words, low + 1);
      const value = Atomics.load(this.#words, low) >>> 0;
      if (high >= 0 && Atomics.load(this.#words, low + 1) === high) {
        return high * TWO_TO_32 + value;
      }
    }
  }
}
