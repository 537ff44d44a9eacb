/** Sizes and contents of what the demo sends: the same in every run, different from packet to packet. */

/** Bytes of the number in front of each payload that can hold it. */
export const NUMBER_BYTES = 4;

/** Knuth's multiplicative hash constant, 2^32 / golden ratio: spreads consecutive numbers. */
const SPREAD = 0x9e3779b1;
const BYTE_MASK = 0xff;
const HIGH_BYTE_SHIFT = 24;

/** A size from `least` to `most` for item `number`: all kinds, evenly spread, both ends included. */
export function mixedSize(number: number, least: number, most: number): number {
  if (number === 0) return least;
  if (number === 1) return most;
  return least + ((Math.imul(number, SPREAD) >>> 0) % (most - least + 1));
}

/** Fills `bytes` with a pattern that depends on `number` and on the position. */
export function fillPattern(bytes: Uint8Array, number: number): void {
  let state = Math.imul(number + 1, SPREAD);
  for (let i = 0; i < bytes.length; i++) {
    state = Math.imul(state ^ i, SPREAD);
    bytes[i] = (state >>> HIGH_BYTE_SHIFT) & BYTE_MASK;
  }
}

/** The value below which `fraction` of the sorted values lie. */
export function quantile(sorted: readonly number[], fraction: number): number {
  if (sorted.length === 0) return 0;
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))]!;
}
