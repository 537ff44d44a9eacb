/**
 * 64-bit counters in shared memory without BigInt and without locks: each participant adds to a
 * block of its own, a reader sums the blocks.
 *
 * A counter is a low and a high word. When the low word wraps, its writer first marks the high word
 * (sign bit), then stores the low word, then the high word without the mark. Under the mark the low
 * word tells by itself whether it has wrapped, since no amount is anywhere near half of its range: so
 * a thread that dies in the middle leaves a readable counter, and {@link Counters.repair} makes it an
 * ordinary one again. A reader that finds the high word changed while it read the low one reads again.
 */

import { MAX_PARTICIPANTS } from '../limits.ts';
import {
  COUNTERS,
  type Counter,
  counterIndex,
  ParticipantWord,
  participantIndex,
} from './layout.ts';

const TWO_TO_32 = 2 ** 32;
const WRAP_MARK = 1 << 31;

export class Counters {
  readonly #words: Int32Array;
  readonly #participant: number;
  /** Low words of this participant's block, which only it writes: not read again for each addition. */
  readonly #low: Uint32Array = new Uint32Array(COUNTERS);
  /** Says which counter is wrapping, for whoever buries this thread. */
  readonly #wrapping: number;

  /** `words` is the adapter's memory (layout.ts); `participant` the block this thread writes. */
  constructor(words: Int32Array, participant: number) {
    if (participant < 0 || participant >= MAX_PARTICIPANTS) {
      throw new RangeError(
        `participant ${participant} is out of range: 0 to ${MAX_PARTICIPANTS - 1}`,
      );
    }
    this.#words = words;
    this.#participant = participant;
    this.#wrapping = participantIndex(participant, ParticipantWord.WRAPPING);
    for (let i = 0; i < COUNTERS; i++) {
      this.#low[i] = Atomics.load(words, counterIndex(participant, i as Counter));
    }
  }

  /** Adds `amount` (0 to 2^31 - 1) to this participant's `counter`. Allocates nothing. */
  add(counter: Counter, amount: number): void {
    if (amount === 0) return;
    const low = counterIndex(this.#participant, counter);
    const after = this.#low[counter]! + amount;
    this.#low[counter] = after;
    if (after < TWO_TO_32) {
      Atomics.store(this.#words, low, after | 0);
      return;
    }
    const high = Atomics.load(this.#words, low + 1);
    Atomics.store(this.#words, this.#wrapping, counter + 1);
    Atomics.store(this.#words, low + 1, high | WRAP_MARK);
    Atomics.store(this.#words, low, (after - TWO_TO_32) | 0);
    Atomics.store(this.#words, low + 1, high + 1);
    Atomics.store(this.#words, this.#wrapping, 0);
  }

  /** Raises this participant's `counter` to `value` (below 2^32) when that is more. */
  raise(counter: Counter, value: number): void {
    if (value <= this.#low[counter]!) return;
    this.#low[counter] = value;
    Atomics.store(this.#words, counterIndex(this.#participant, counter), value | 0);
  }

  /** Sum over all participants. Exact up to 2^53. */
  sum(counter: Counter): number {
    let total = 0;
    for (let i = 0; i < MAX_PARTICIPANTS; i++) total += this.#read(counterIndex(i, counter));
    return total;
  }

  /** One participant's part of it. */
  of(participant: number, counter: Counter): number {
    return this.#read(counterIndex(participant, counter));
  }

  /** Largest value of any participant. */
  largest(counter: Counter): number {
    let most = 0;
    for (let i = 0; i < MAX_PARTICIPANTS; i++) {
      most = Math.max(most, this.#read(counterIndex(i, counter)));
    }
    return most;
  }

  /** Sets right what a participant may have left that died in {@link add}. By whoever buries it. */
  repair(participant: number): void {
    const wrapping = Atomics.load(
      this.#words,
      participantIndex(participant, ParticipantWord.WRAPPING),
    );
    if (wrapping === 0) return;
    const low = counterIndex(participant, (wrapping - 1) as Counter);
    const high = Atomics.load(this.#words, low + 1);
    if (high < 0)
      Atomics.store(this.#words, low + 1, unmarked(high, Atomics.load(this.#words, low)));
  }

  #read(low: number): number {
    for (;;) {
      const high = Atomics.load(this.#words, low + 1);
      const value = Atomics.load(this.#words, low);
      if (Atomics.load(this.#words, low + 1) !== high) continue;
      return (high < 0 ? unmarked(high, value) : high) * TWO_TO_32 + (value >>> 0);
    }
  }
}

/** The high word that goes with a low one, read under the mark. */
function unmarked(high: number, low: number): number {
  return (high & ~WRAP_MARK) + (low < 0 ? 0 : 1);
}
