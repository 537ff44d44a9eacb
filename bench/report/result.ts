/** What a bench run finds out: rows of figures, and the targets judged by them. */

import { type Summary, summarize, summarizeRatios } from './statistics.ts';

/** What a figure is of. Its unit follows from it. */
export interface Measure {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
}

/** One candidate, one measure. */
export interface Row extends Summary {
  readonly candidate: string;
  readonly title: string;
  readonly measure: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly point?: Point;
}

export interface Target {
  readonly id: string;
  readonly about: string;
  /** What was measured: a ratio to a reference, or a figure in the unit that `about` names. */
  readonly ratio: number;
  readonly target: number;
  /** Whether less is better. */
  readonly atMost?: true;
  /** Null where this run is too short to tell. */
  readonly met: boolean | null;
  /** First and third quartile. */
  readonly spread: readonly [number, number];
  /** What hinders, or what the figure does not say. */
  readonly note?: string;
}

/** All samples of one run, by candidate and measure, in the order of the rounds. */
export class Samples {
  readonly #rows = new Map<string, { candidate: Named; measure: Measure; samples: number[] }>();

  add(candidate: Named, measure: Measure, sample: number): void {
    const key = `${candidate.id} ${measure.id}`;
    const row = this.#rows.get(key);
    if (row === undefined) this.#rows.set(key, { candidate, measure, samples: [sample] });
    else row.samples.push(sample);
  }

  /** Empty where nothing was measured. */
  of(candidate: string, measure: string): readonly number[] {
    return this.#rows.get(`${candidate} ${measure}`)?.samples ?? [];
  }

  /** Undefined where one of the two was not measured. */
  ratio(candidate: string, reference: string, measure: string): Summary | undefined {
    const a = this.of(candidate, measure);
    const b = this.of(reference, measure);
    return a.length === 0 || b.length === 0 ? undefined : summarizeRatios(a, b);
  }

  rows(): Row[] {
    return [...this.#rows.values()].map(({ candidate, measure, samples }) => ({
      candidate: candidate.id,
      title: candidate.title,
      measure: measure.id,
      unit: measure.unit,
      better: measure.better,
      ...(candidate.point === undefined ? {} : { point: candidate.point }),
      ...summarize(samples),
    }));
  }
}

export interface Named {
  readonly id: string;
  readonly title: string;
  readonly point?: Point;
}

/** A candidate that is one of several of a kind, in which something grows. */
export interface Point {
  readonly curve: string;
  /** How far it has grown. */
  readonly at: number;
}
