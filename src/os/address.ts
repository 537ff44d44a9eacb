/**
 * Addresses of JavaScript memory as plain numbers (user-space addresses stay below 2^53), and as
 * numbers that cost nothing to pass on.
 *
 * A number of 2^31 and more that is handed to a foreign function is an object of 16 bytes on V8's
 * heap, made for that call: garbage for every packet. So the objects are kept, in a table by the low
 * bits of the address. Bundles are filled and emptied at the same places again and again.
 */

import { ffi } from './ffi.ts';

/** Places of the table: with one for every 4 bytes, those of a whole bundle, and of half of another. */
const PLACES: number = 2 ** 17;
const PLACE_SHIFT = 2;
const PAGE_BYTES = 4096;
const TWO_TO_32 = 2 ** 32;
/** An odd number that spreads successive pages over 32 bits (2^32 divided by the golden ratio). */
const SPREAD = 0x9e37_79b1;

/** Made at first use; at most 3 MiB for a thread, once every place has had an address in it. */
let boxes: number[] | undefined;

/** Address of the first byte of `view`. Valid as long as the view is reachable and not detached. */
export function addressOf(view: ArrayBufferView): number {
  return Number(ffi().address(view));
}

/** Where a piece of memory lies. To be kept as long as that is used, and no longer. */
export class Address {
  /** The low 32 bits of the first byte's address, as a signed integer, and the rest. */
  readonly low: number;
  readonly high: number;
  readonly #base: number;
  readonly #boxes: number[];
  /** Keeps pieces of memory apart that differ in the high bits of their addresses alone. */
  readonly #place: number;

  constructor(base: number) {
    this.#base = base;
    this.low = (base % TWO_TO_32) | 0;
    this.high = Math.floor(base / TWO_TO_32);
    boxes ??= boxTable();
    this.#boxes = boxes;
    this.#place = Math.imul(Math.floor(base / PAGE_BYTES), SPREAD) + (base % PAGE_BYTES);
  }

  /**
   * The address `offset` bytes further on. The second time and later, as long as no other address
   * needed the same place, it is the same object: allocates nothing.
   */
  at(offset: number): number {
    const place = ((this.#place + offset) >>> PLACE_SHIFT) & (PLACES - 1);
    const address = this.#base + offset;
    const table = this.#boxes;
    if (table[place] !== address) table[place] = address;
    return table[place];
  }
}

/** An array that holds objects, not floating-point numbers, which V8 would box at every reading. */
function boxTable(): number[] {
  const table: unknown[] = [undefined];
  for (let i = 0; i < PLACES; i++) table[i] = 0;
  return table as number[];
}
