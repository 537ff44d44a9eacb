/** The tables of kernels/layout.ts as typed arrays over one memory. */

import { MAX_BUNDLE_PACKETS } from '../../limits.ts';
import { LENGTHS, NEXT, OFFSETS, RESULTS, WRITE_WORDS, WRITES } from './layout.ts';

const RESULT_WORDS = 4;

export class KernelTables {
  readonly memory: Uint8Array;
  readonly results: Uint32Array;
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  readonly writes: Uint32Array;
  readonly next: Uint32Array;

  /** `memory` begins its buffer and is as large as layout.ts says. */
  constructor(memory: Uint8Array) {
    this.memory = memory;
    const table = (offset: number, words: number): Uint32Array =>
      new Uint32Array(memory.buffer, offset, words);
    this.results = table(RESULTS, RESULT_WORDS);
    this.offsets = table(OFFSETS, MAX_BUNDLE_PACKETS);
    this.lengths = table(LENGTHS, MAX_BUNDLE_PACKETS);
    this.writes = table(WRITES, MAX_BUNDLE_PACKETS * WRITE_WORDS);
    this.next = table(NEXT, MAX_BUNDLE_PACKETS);
  }

  /** One of `WRITE_*` of a row that a merge left. */
  row(number: number, word: number): number {
    return this.writes[number * WRITE_WORDS + word]!;
  }

  /** Sets {@link next}. */
  follow(packet: number, next: number): void {
    this.next[packet] = next;
  }
}
