/** Counts the packets of bundles by kind of destination: once a bundle, in one go. */

import { ENTRY_HEADER_BYTES, entryBytes } from '../limits.ts';
import type { Counters } from '../sync/counters.ts';
import { Counter } from '../sync/layout.ts';
import { type BundleIndex, HOST_LITTLE_ENDIAN, readSizeWord } from '../wire/bundle.ts';
import { bundleSizeCounter } from './histograms.ts';
import { Tally } from './tally.ts';

export class BundleCounts {
  readonly #counters: Counters;
  readonly #tally = new Tally();

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  /** A reader got `packets` packets, whose entries begin at offset 0 of `bytes`. */
  read(bytes: Uint8Array, packets: number): void {
    this.#tally.reset();
    let offset = 0;
    for (let i = 0; i < packets; i++) {
      const size = readSizeWord(bytes, offset, HOST_LITTLE_ENDIAN);
      this.#tally.add(bytes, offset + ENTRY_HEADER_BYTES, size);
      offset += entryBytes(size);
    }
    this.#tally.addTo(this.#counters, 'out');
    this.#counters.add(Counter.BUNDLES_READ, 1);
    this.#counters.add(bundleSizeCounter(packets), 1);
    this.#counters.raise(Counter.LARGEST_BUNDLE, packets);
  }

  /** The host took the packets of `index` whose length is not 0, and refused `refused` others. */
  written(bytes: Uint8Array, index: BundleIndex, refused: number): void {
    this.#tally.reset();
    for (let i = 0; i < index.count; i++) {
      const length = index.lengths[i]!;
      if (length > 0) this.#tally.add(bytes, index.offsets[i]!, length);
    }
    this.#tally.addTo(this.#counters, 'in');
    this.#counters.add(Counter.BUNDLES_WRITTEN, 1);
    this.#counters.add(Counter.IN_ERRORS, refused);
  }
}
