/**
 * A look at the packets that cross between host and program, in one thread: exactly those that the counters
 * count as read and written, when they are counted. What is dropped on the way is not among them.
 *
 * A thread has its own data path, and so its own taps: packets that other threads read and write are seen in
 * those threads alone.
 */

import type { BundleIndex } from '../wire/bundle.ts';

/** Called from within reads and writes, under no lock. It must not throw, nor call into the adapter. */
export interface Tap {
  /**
   * A reader gets a bundle: `packets` entries in the first `length` bytes of `bytes`, which may be memory that
   * others change meanwhile. It is only looked at, and not kept.
   */
  sent(bytes: Uint8Array, length: number, packets: number): void;
  /** The host took those packets of `bytes` that `index` lists with a length other than 0. As above. */
  received(bytes: Uint8Array, index: BundleIndex): void;
  /** The adapter is gone, or this thread has left it: nothing comes any more. Possibly more than once. */
  ended(): void;
}

/** The taps of one thread, as one. */
export class Taps implements Tap {
  #taps: readonly Tap[] = [];

  /** What the packet path is to call; undefined when nobody looks, which then costs it one comparison. */
  get active(): Tap | undefined {
    return this.#taps.length > 1 ? this : this.#taps[0];
  }

  add(tap: Tap): void {
    this.#taps = [...this.#taps, tap];
  }

  delete(tap: Tap): void {
    this.#taps = this.#taps.filter((one) => one !== tap);
  }

  sent(bytes: Uint8Array, length: number, packets: number): void {
    for (const tap of this.#taps) tap.sent(bytes, length, packets);
  }

  received(bytes: Uint8Array, index: BundleIndex): void {
    for (const tap of this.#taps) tap.received(bytes, index);
  }

  ended(): void {
    for (const tap of this.#taps) tap.ended();
  }
}
