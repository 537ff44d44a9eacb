/**
 * A module of worker groups: joins two adapters, and on the way drops and reorders entries of bundles,
 * whatever they hold. Counts what it does in shared memory.
 */

import { type Bundle, BundleReader, type Device, MAX_BUNDLE_BYTES, type WorkerMain } from 'typetun';
import { entryBytes } from '#dist/limits.js';
import { fraction, Random } from '#dist/link/memory/random.js';

/** Words of {@link DisturbanceOptions.counts}. */
export const Count = { READ: 0, WRITTEN: 1, DROPPED: 2, REORDERED: 3, HELD: 4 } as const;
export const COUNTS = 5;

export interface DisturbanceOptions {
  readonly seed: number;
  /** Whether entries have virtio-net headers. */
  readonly carried: boolean;
  /** Of all entries, what part is lost. */
  readonly loss: number;
  /** What part is put behind the rest of its bundle, or, when it is the last, behind the next one. */
  readonly reorder: number;
  readonly counts: Int32Array;
}

const ENTRY_HEADER_BYTES = 16;

/** One direction in one thread. */
class Disturbance {
  readonly #options: DisturbanceOptions;
  readonly #random: Random;
  readonly #reader: BundleReader;
  readonly #target: Device;
  #held: Uint8Array[] = [];

  constructor(options: DisturbanceOptions, stream: number, target: Device) {
    this.#options = options;
    this.#random = new Random(options.seed, stream);
    this.#reader = new BundleReader({ carried: options.carried });
    this.#target = target;
  }

  pass(bundle: Bundle): void {
    const { loss, reorder } = this.#options;
    const before = this.#held;
    this.#held = [];
    const entries: Uint8Array[] = [];
    this.#reader.reset(bundle.bytes);
    while (this.#reader.next()) {
      const start = this.#reader.offset - ENTRY_HEADER_BYTES;
      const entry = bundle.bytes.subarray(start, start + entryBytes(this.#reader.length));
      const chance = fraction(this.#random.next());
      if (chance < loss) this.#count(Count.DROPPED, 1);
      else if (chance < loss + reorder) this.#held.push(entry);
      else entries.push(entry);
    }
    this.#count(Count.READ, bundle.count);
    // An entry that others of its bundle overtake, or else the next bundle.
    this.#count(Count.REORDERED, this.#held.length);
    const late = entries.length > 0 ? this.#held.splice(0) : [];
    this.#write([...entries, ...before, ...late]);
    this.#held = this.#held.map((entry) => entry.slice());
    this.#count(Count.HELD, this.#held.length - before.length);
  }

  #write(entries: readonly Uint8Array[]): void {
    for (let first = 0; first < entries.length; ) {
      const part: Uint8Array[] = [];
      for (let bytes = 0; first < entries.length && part.length < 256; first++) {
        bytes += entries[first]!.length;
        if (bytes > MAX_BUNDLE_BYTES) break;
        part.push(entries[first]!);
      }
      this.#count(Count.WRITTEN, this.#target.writeSync(Buffer.concat(part)));
    }
  }

  #count(word: number, by: number): void {
    Atomics.add(this.#options.counts, word, by);
  }
}

export const main: WorkerMain = ({ devices, index, data }) => {
  const ways = [0, 1].map(
    (from) => new Disturbance(data as DisturbanceOptions, 2 * index + from, devices[1 - from]!),
  );
  return (bundle, from) => ways[from]!.pass(bundle);
};
