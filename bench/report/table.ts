/** The figures in words, for a terminal and for the log. */

import type { Row, Samples, Target } from './result.ts';
import type { Summary } from './statistics.ts';

const SIGNIFICANT = 3;
const REFERENCE = 'r1';
const AGAIN = 'r1-again';

/** What the names in the tables mean. */
export const LEGEND = `R1, R2             C programs that do the same: a packet a call; super-packets passed on
off, split, carry  the option "offload" of an adapter
P1 to P9           what is aimed at, in ratios to a reference of the same run or in figures: P1 off,
                   P2 carry, P3 split, P4 against fs streams, P5 round trips, P6 allocation,
                   P7 a thousand adapters, P8 cost as work grows, P9 against other programs`;

/**
 * One table for each measure: best first, with the ratio to R1 and its spread; of curves a line for
 * each step and a column for each curve.
 */
export function tables(samples: Samples): string {
  const byMeasure = new Map<string, Row[]>();
  for (const row of samples.rows()) {
    const rows = byMeasure.get(row.measure);
    if (rows === undefined) byMeasure.set(row.measure, [row]);
    else rows.push(row);
  }
  return [...byMeasure]
    .map(([measure, rows]) =>
      rows.some(({ point }) => point !== undefined)
        ? curves(measure, rows)
        : table(measure, rows, samples),
    )
    .join('\n');
}

function table(measure: string, rows: readonly Row[], samples: Samples): string {
  const noise = samples.ratio(AGAIN, REFERENCE, measure);
  const sorted = [...rows].sort((a, b) =>
    a.better === 'more' ? b.median - a.median : a.median - b.median,
  );
  const cells = sorted.map((row) => {
    const ratio = samples.ratio(row.candidate, REFERENCE, measure);
    return [
      row.title,
      figure(row.median),
      `${figure(row.low)}..${figure(row.high)}`,
      ratio === undefined ? '' : `${figure(ratio.median)}x`,
      ratio === undefined ? '' : `${figure(ratio.low)}..${figure(ratio.high)}`,
      ratio === undefined || row.candidate === REFERENCE ? '' : verdict(ratio, row.better, noise),
    ];
  });
  const { unit, better, samples: one } = rows[0]!;
  const head = [
    `${measure} (${unit}, ${better} is better)`,
    'median',
    'quartiles',
    '/ R1',
    'quartiles',
    '',
  ];
  const spread = one.length > 1;
  return `${columns('lrrrrl', [head, ...cells], spread)}\n${rounds(one.length)}\n`;
}

function curves(measure: string, rows: readonly Row[]): string {
  const points = rows.filter(({ point }) => point !== undefined);
  const names = [...new Set(points.map(({ point }) => point!.curve))];
  const steps = [...new Set(points.map(({ point }) => point!.at))].sort((a, b) => a - b);
  const cells = steps.map((step) => [
    String(step),
    ...names.flatMap((name) => {
      const row = points.find(({ point }) => point!.at === step && point!.curve === name);
      return row === undefined
        ? ['', '']
        : [figure(row.median), `${figure(row.low)}..${figure(row.high)}`];
    }),
  ]);
  const { unit, better, samples } = rows[0]!;
  const head = [
    `${measure} (${unit}, ${better} is better)`,
    ...names.flatMap((name) => [name, 'quartiles']),
  ];
  const sides = `l${'rr'.repeat(names.length)}`;
  return `${columns(sides, [head, ...cells], samples.length > 1)}\n${rounds(samples.length)}\n`;
}

/** What may be said of a ratio: nothing, when R1 differs from itself as much. */
function verdict(ratio: Summary, better: 'more' | 'less', noise: Summary | undefined): string {
  if (noise === undefined) return '';
  const apart = ratio.low > Math.max(noise.high, 1) || ratio.high < Math.min(noise.low, 1);
  if (!apart) return 'within noise';
  return ratio.median > 1 === (better === 'more') ? 'better' : 'worse';
}

/** The targets, one a line. */
export function targetTable(targets: readonly Target[]): string {
  const head = ['target', 'what', 'measured', 'quartiles', 'wanted', ''];
  const cells = targets.map(({ id, about, ratio, spread, target, atMost, met, note }) => [
    id,
    about,
    figure(ratio),
    `${figure(spread[0])}..${figure(spread[1])}`,
    `at ${atMost ? 'most' : 'least'} ${figure(target)}`,
    [judgement(ratio, target, atMost === true, met), note].filter(Boolean).join(', '),
  ]);
  const spread = targets.some((target) => target.spread[0] !== target.spread[1]);
  return columns('llrrrl', [head, ...cells], spread);
}

/** A run that is too short to judge says all the same on which side it came out. */
function judgement(ratio: number, target: number, atMost: boolean, met: boolean | null): string {
  if (met !== null) return met ? 'met' : 'NOT MET';
  if (atMost) return ratio <= target ? 'reached, indicative' : 'above, indicative';
  return ratio >= target ? 'reached, indicative' : 'below, indicative';
}

function rounds(count: number): string {
  return count === 1 ? '1 round' : `${count} rounds`;
}

/** Three significant digits, and none behind the point where that is enough. */
export function figure(value: number): string {
  if (value === 0) return '0';
  const digits = Math.max(0, SIGNIFICANT - 1 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 20));
}

/**
 * Text in columns, each to the left (`l`) or to the right (`r`), with what the first row says above.
 * Without `spread` the columns of quartiles are left out: of one sample they say nothing.
 */
function columns(sides: string, rows: readonly (readonly string[])[], spread: boolean): string {
  const head = rows[0]!;
  const widths = head.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const pad = (cell: string, i: number): string =>
    sides[i] === 'l' ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!);
  const shown = (_: string, i: number): boolean => spread || head[i] !== 'quartiles';
  return rows.map((row) => row.map(pad).filter(shown).join('  ').trimEnd()).join('\n');
}
