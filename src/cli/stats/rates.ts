/** What passed between two looks, for each second. */

import { formatBitRate, formatRate } from '../format/quantity.ts';
import { tableLines } from '../format/table.ts';
import type { Terminal } from '../terminal.ts';
import { type Sample, type Totals, totalsOf } from './sample.ts';

const MS_PER_SECOND = 1000;

/** Of one adapter, each for a second; packets for a bundle where there was one. */
export interface Rates extends Omit<Totals, 'bundlesRead' | 'packetsRead'> {
  readonly adapter: string;
  readonly packetsPerBundle: number | null;
}

/** Of the adapters of `now` that were there `before` already, by their device: names may change. */
export function ratesBetween(before: readonly Sample[], now: readonly Sample[]): Rates[] {
  const earlier = new Map(before.map((sample) => [sample.device, sample]));
  return now.flatMap((sample) => {
    const first = earlier.get(sample.device);
    const seconds = first === undefined ? 0 : (sample.time - first.time) / MS_PER_SECOND;
    if (first === undefined || seconds <= 0) return [];
    const [from, to] = [totalsOf(first), totalsOf(sample)];
    // Of an adapter that was made anew the counters begin again.
    const rate = (name: keyof Totals): number => Math.max(0, to[name] - from[name]) / seconds;
    const bundles = to.bundlesRead - from.bundlesRead;
    return [
      {
        adapter: sample.adapter,
        ...{ outPackets: rate('outPackets'), outOctets: rate('outOctets') },
        ...{ inPackets: rate('inPackets'), inOctets: rate('inOctets'), lost: rate('lost') },
        packetsPerBundle: bundles > 0 ? (to.packetsRead - from.packetsRead) / bundles : null,
      },
    ];
  });
}

const COLUMNS = [
  { heading: 'NAME' },
  ...['OUT', 'OUT PACKETS', 'IN', 'IN PACKETS', 'PACKETS/BUNDLE', 'LOST'].map((heading) => ({
    heading,
    right: true,
  })),
];

/** A table, one line for each adapter. */
export function rateTable(terminal: Terminal, rates: readonly Rates[]): string[] {
  const rows = rates.map((one) => [
    ...[one.adapter, formatBitRate(one.outOctets), formatRate(one.outPackets)],
    ...[formatBitRate(one.inOctets), formatRate(one.inPackets)],
    ...[one.packetsPerBundle?.toFixed(1) ?? '-', formatRate(one.lost)],
  ]);
  return tableLines(terminal, COLUMNS, rows);
}
