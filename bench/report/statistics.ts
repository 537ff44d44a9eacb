/** Medians and spreads of few samples from a noisy machine. */

/** What many samples of the same are summed up to. The quartiles are the spread that is shown. */
export interface Summary {
  readonly median: number;
  /** The first and the third quartile. */
  readonly low: number;
  readonly high: number;
  readonly samples: readonly number[];
}

const QUARTER = 0.25;
const HALF = 0.5;
const THREE_QUARTERS = 0.75;

/** Of at least one sample. */
export function summarize(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    median: quantile(sorted, HALF),
    low: quantile(sorted, QUARTER),
    high: quantile(sorted, THREE_QUARTERS),
    samples,
  };
}

/**
 * Of `a[i] / b[i]`: samples of one round stand next to each other in time, so that what slows the
 * machine for a while slows both.
 */
export function summarizeRatios(a: readonly number[], b: readonly number[]): Summary {
  return summarize(a.slice(0, b.length).map((sample, i) => sample / b[i]!));
}

/** Between the samples next to it, in proportion. `sorted` is ascending and not empty. */
function quantile(sorted: readonly number[], part: number): number {
  const place = (sorted.length - 1) * part;
  const below = Math.floor(place);
  const above = Math.ceil(place);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (place - below);
}
