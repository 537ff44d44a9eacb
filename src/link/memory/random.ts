/**
 * The generator behind every fault decision: sfc32 by Chris Doty-Humphrey ("small fast chaotic",
 * published in the public domain with PractRand). 128 bits of state, of which 32 are a counter, so
 * that no seed has a period below 2^32. Not for secrets.
 *
 * ```
 * result  = a + b + counter++
 * a       = b ^ (b >>> 9)
 * b       = c + (c << 3)
 * c       = rotateLeft(c, 21) + result
 * ```
 */

/** Words of state: a, b, c, counter. */
const STATE_WORDS = 4;
const A = 0;
const B = 1;
const C = 2;
const COUNTER = 3;

/** The published shifts of the 32-bit variant. */
const RIGHT_SHIFT = 9;
const LEFT_SHIFT = 3;
const ROTATION = 21;
const WORD_BITS = 32;

/** Rounds after seeding, until every bit of the seed has reached every word; the published count. */
const SEEDING_ROUNDS = 12;

const TWO_TO_32 = 2 ** 32;

export class Random {
  readonly #state = new Int32Array(STATE_WORDS);

  /**
   * @param seed Any safe integer; its low and high 32 bits both count.
   * @param stream Which of several independent sequences of that seed (32 bits).
   */
  constructor(seed: number, stream: number) {
    if (!Number.isSafeInteger(seed)) {
      throw new RangeError(`seed ${seed} is not a safe integer; pass one, for example 1`);
    }
    this.#state[A] = stream;
    this.#state[B] = seed % TWO_TO_32;
    this.#state[C] = Math.floor(seed / TWO_TO_32);
    this.#state[COUNTER] = 1;
    for (let i = 0; i < SEEDING_ROUNDS; i++) this.next();
  }

  /** The next 32 random bits, as a signed integer (which costs no allocation). */
  next(): number {
    const state = this.#state;
    const b = state[B]!;
    const c = state[C]!;
    const result = (state[A]! + b + state[COUNTER]!) | 0;
    state[COUNTER] = (state[COUNTER]! + 1) | 0;
    state[A] = b ^ (b >>> RIGHT_SHIFT);
    state[B] = (c + (c << LEFT_SHIFT)) | 0;
    state[C] = (((c << ROTATION) | (c >>> (WORD_BITS - ROTATION))) + result) | 0;
    return result;
  }
}

/** Maps 32 random bits to a fraction in [0, 1). */
export function fraction(bits: number): number {
  return (bits >>> 0) / TWO_TO_32;
}

/**
 * Maps 32 random bits to an integer in [0, bound). The bias, bound / 2^32 at most, does not matter
 * for choosing which packet suffers.
 */
export function below(bits: number, bound: number): number {
  return (bits >>> 0) % bound;
}
