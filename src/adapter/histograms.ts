/**
 * How large the bundles are that are read, and how long reads wait: counted once a bundle, and once a read
 * that had to wait, in the shared counters of {@link Counter}.
 */

import { MAX_BUNDLE_PACKETS } from '../limits.ts';
import type { Counters } from '../sync/counters.ts';
import { Counter } from '../sync/layout.ts';

/** Bits of what `Math.clz32` counts in. */
const WORD_BITS = 32;
const MICROSECONDS_PER_MS = 1000;
/** What `Counters.add` takes at a time. */
const MOST_ADDED = 2 ** 31 - 1;

/** Largest number of packets of each bucket of `statistics.bundles.sizes`: powers of two up to a full bundle. */
export const BUNDLE_SIZE_BOUNDS: readonly number[] = Array.from(
  { length: bucketOf(MAX_BUNDLE_PACKETS) + 1 },
  (_, bucket) => 2 ** bucket,
);

/** Longest wait of each bucket of `statistics.readWaits.counts`, in ms; the last bucket has none. */
export const READ_WAIT_BOUNDS_MS: readonly number[] = [0.01, 0.1, 1, 10, 100, 1000, 10_000];

/** The counter of bundles that have `packets` (1 to 256) packets. */
export function bundleSizeCounter(packets: number): Counter {
  return (Counter.BUNDLE_SIZE_1 + bucketOf(packets)) as Counter;
}

/** Counts a read that is answered now and has waited since then, by `performance.now()`. */
export function countReadWait(counters: Counters, since: number): void {
  const ms = performance.now() - since;
  let bucket = 0;
  while (bucket < READ_WAIT_BOUNDS_MS.length && ms > READ_WAIT_BOUNDS_MS[bucket]!) bucket++;
  counters.add((Counter.READ_WAIT_10US + bucket) as Counter, 1);
  for (let left = Math.round(ms * MICROSECONDS_PER_MS); left > 0; left -= MOST_ADDED) {
    counters.add(Counter.READ_WAIT_MICROSECONDS, Math.min(left, MOST_ADDED));
  }
}

/** Sums of all threads. */
export function readBundleSizes(counters: Counters): number[] {
  return BUNDLE_SIZE_BOUNDS.map((_, bucket) =>
    counters.sum((Counter.BUNDLE_SIZE_1 + bucket) as Counter),
  );
}

export function readReadWaits(counters: Counters): { counts: number[]; totalMs: number } {
  const counts = Array.from({ length: READ_WAIT_BOUNDS_MS.length + 1 }, (_, bucket) =>
    counters.sum((Counter.READ_WAIT_10US + bucket) as Counter),
  );
  return { counts, totalMs: counters.sum(Counter.READ_WAIT_MICROSECONDS) / MICROSECONDS_PER_MS };
}

/** Position of the smallest power of two that is not below `packets`. */
function bucketOf(packets: number): number {
  return WORD_BITS - Math.clz32(packets - 1);
}
