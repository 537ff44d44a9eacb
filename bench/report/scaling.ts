/**
 * Target P8, judged by the curves of one run: work that grows costs a packet little more than it did a
 * step before.
 *
 * - More packets in a bundle, packets in a second: each step at least 0.75 of the one before.
 * - Larger packets, bytes in a second: the same.
 * - Threads that read, packets in a second out of a full queue: the same up to two threads; with more
 *   threads than processors, at least 0.7 of the best. And while another thread sends, which needs a
 *   processor itself.
 *
 * Judged is the worst of the steps, by the median of its rounds. What one and the same step, measured
 * twice, differs from itself is noise.
 */

import { cpus } from 'node:os';
import type { Row, Samples, Target } from './result.ts';
import { type Summary, summarizeRatios } from './statistics.ts';

/** No step loses more than a quarter. */
const STEP_TARGET = 0.75;
const BEYOND_TARGET = 0.7;
const THREADS_IN_STEPS = 2;

interface Goal {
  readonly curve: string;
  readonly measure: string;
  readonly about: string;
  readonly target: number;
  /** Which two rows are compared: the later, and what it is to be nearly as good as. */
  readonly pairs: (rows: readonly Row[]) => (readonly [later: Row, earlier: Row])[];
  /** Two rows of the same. */
  readonly twice: readonly [candidate: string, candidate: string];
}

const GOALS: readonly Goal[] = [
  ...['off', 'split'].flatMap((curve) => [
    grown(curve, 'scale-packets', 'packets/s, bundles that grow'),
    grown(curve, 'scale-bytes', 'bytes/s, packets that grow'),
  ]),
  ...['one queue', 'own queues'].flatMap((curve) => [
    threads(curve, '', STEP_TARGET, firstSteps),
    threads(curve, '', BEYOND_TARGET, beyondCores),
    threads(curve, '-live', STEP_TARGET, firstSteps),
    threads(curve, '-live', BEYOND_TARGET, beyondCores),
  ]),
];

/** Judges what was measured. `quick`: the figures are indicative, nothing is judged. */
export function judgeScaling(samples: Samples, quick: boolean): Target[] {
  return GOALS.flatMap((goal) => {
    const rows = samples
      .rows()
      .filter(({ measure, point }) => measure === goal.measure && point?.curve === goal.curve)
      .sort((a, b) => a.point!.at - b.point!.at);
    const compared = goal.pairs(rows).map(([later, earlier]) => ({
      steps: `${earlier.point!.at} to ${later.point!.at}`,
      ratio: ratio(later, earlier),
    }));
    const worst = compared.sort((a, b) => a.ratio.median - b.ratio.median)[0];
    if (worst === undefined) return [];
    const { median, low, high } = worst.ratio;
    const met = median >= goal.target;
    const noise = met || quick ? '' : noiseNote(samples, goal, median);
    return [
      {
        id: 'P8',
        about: `${goal.about}, ${goal.curve}`,
        ratio: median,
        target: goal.target,
        met: quick ? null : met,
        spread: [low, high],
        note: [noise, `worst from ${worst.steps}`].filter(Boolean).join(', '),
      },
    ];
  });
}

/** How good the later is, in proportion to the earlier: below 1 when it is worse. */
function ratio(later: Row, earlier: Row): Summary {
  return later.better === 'more'
    ? summarizeRatios(later.samples, earlier.samples)
    : summarizeRatios(earlier.samples, later.samples);
}

/** A miss by less than a step differs from itself. */
function noiseNote(samples: Samples, { measure, target, twice }: Goal, median: number): string {
  const noise = samples.ratio(...twice, measure);
  if (noise === undefined) return '';
  const off = Math.max(Math.abs(noise.low - 1), Math.abs(noise.high - 1));
  return Math.abs(median / target - 1) <= off ? 'within noise' : '';
}

function neighbours(rows: readonly Row[]): (readonly [Row, Row])[] {
  return rows.slice(1).map((row, i) => [row, rows[i]!] as const);
}

function firstSteps(rows: readonly Row[]): (readonly [Row, Row])[] {
  return neighbours(rows.filter(({ point }) => point!.at <= THREADS_IN_STEPS));
}

function beyondCores(rows: readonly Row[]): (readonly [Row, Row])[] {
  const best = rows.toSorted((a, b) => b.median - a.median)[0];
  const beyond = rows.filter(({ point }) => point!.at > cpus().length);
  return best === undefined ? [] : beyond.map((row) => [row, best] as const);
}

/** Every step of a curve, one of which was measured once more. */
function grown(curve: string, measure: string, about: string): Goal {
  const step = measure === 'scale-packets' ? 16 : 2048;
  const twice = [`${curve}-again`, `${curve}@${step}`] as const;
  return { curve, measure, about, target: STEP_TARGET, pairs: neighbours, twice };
}

/** One thread is the same with one queue and with queues of their own. */
function threads(curve: string, how: '' | '-live', target: number, pairs: Goal['pairs']): Goal {
  const twice = ['own queues@1', 'one queue@1'] as const;
  const steps = pairs === firstSteps ? 'up to two threads' : 'beyond the cores / best';
  const about = how === '' ? steps : `${steps}, and one that sends`;
  return { curve, measure: `scale-threads${how}`, about, target, pairs, twice };
}
