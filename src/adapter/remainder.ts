/**
 * What a link took and the reader's bundle had no room for: it goes to the head of the queue, from
 * where the next read takes it, in whatever thread.
 */

import { entryBytes, MAX_QUEUED_PACKETS } from '../limits.ts';
import { HOST_LITTLE_ENDIAN, readSizeWord } from '../wire/bundle.ts';
import type { SharedAdapter } from './shared-adapter.ts';

export class Remainder {
  readonly #shared: SharedAdapter;
  readonly #offsets = new Uint32Array(MAX_QUEUED_PACKETS);
  #isNew = false;

  constructor(shared: SharedAdapter) {
    this.#shared = shared;
  }

  /**
   * Puts `packets` entries, from offset 0 of `entries` on, at the head of the lane's queue, out of the hand.
   * The last first, so that they stay in order. `lost` is told of each that finds no place. Under TAKE.
   */
  putBack(entries: Uint8Array, packets: number, lost: (packets: number) => void): void {
    const { hand, lane } = this.#shared;
    let offset = 0;
    for (let i = 0; i < packets; i++) {
      this.#offsets[i] = offset;
      offset += entryBytes(readSizeWord(entries, offset, HOST_LITTLE_ENDIAN));
    }
    for (let i = packets - 1; i >= 0; i--) {
      const at = this.#offsets[i]!;
      const size = readSizeWord(entries, at, HOST_LITTLE_ENDIAN);
      if (hand.putBack(lane, entries, at, size)) continue;
      lost(1);
      hand.drop(1);
    }
    this.#isNew = true;
  }

  /** Once no lock is held: another thread's read may be waiting for what was put back. */
  announce(): void {
    if (!this.#isNew) return;
    this.#isNew = false;
    this.#shared.wake.announce();
  }
}
