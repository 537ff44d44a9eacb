/** The table of adapters: which columns there are, and which of them a narrow terminal has. */

import type { AdapterView, StateName } from '../../observe.ts';
import type { Formats } from './frame.ts';
import { padded, type Line, type Style, span } from './text.ts';

interface Column {
  readonly head: string;
  readonly width: number;
  readonly right?: boolean;
  /** Those of the highest number go first when there is no room. */
  readonly rank: number;
  text(adapter: AdapterView, formats: Formats): string;
  style?(adapter: AdapterView): Style;
}

const STYLES: Readonly<Record<StateName, Style>> = {
  Running: 'good',
  Paused: 'warn',
  Pausing: 'warn',
  Restarting: 'warn',
  Initializing: 'warn',
  Halting: 'bad',
  Halted: 'bad',
  Shutdown: 'bad',
};

const COLUMNS: readonly Column[] = [
  { head: 'ADAPTER', width: 15, rank: 0, text: ({ name }) => name, style: () => 'bold' },
  {
    head: 'STATE',
    width: 12,
    rank: 0,
    text: ({ state }) => state,
    style: ({ state }) => STYLES[state],
  },
  { head: 'POWER', width: 5, rank: 4, text: ({ power }) => power },
  { head: 'MEDIA', width: 12, rank: 5, text: ({ media }) => media },
  {
    head: 'OUT',
    width: 11,
    right: true,
    rank: 1,
    style: () => 'out',
    text: ({ rates }, { bits }) => bits(rates.outBits),
  },
  {
    head: 'PACKETS/S',
    width: 9,
    right: true,
    rank: 3,
    text: ({ rates }, { scaled }) => scaled(Math.round(rates.outPackets)),
  },
  {
    head: 'IN',
    width: 11,
    right: true,
    rank: 1,
    style: () => 'in',
    text: ({ rates }, { bits }) => bits(rates.inBits),
  },
  {
    head: 'PACKETS/S',
    width: 9,
    right: true,
    rank: 3,
    text: ({ rates }, { scaled }) => scaled(Math.round(rates.inPackets)),
  },
  {
    head: 'PER BUNDLE',
    width: 10,
    right: true,
    rank: 6,
    text: ({ rates, lent }) => (lent ? '-' : rates.packetsPerBundle.toFixed(1)),
  },
  {
    head: 'LOST/S',
    width: 7,
    right: true,
    rank: 2,
    text: ({ rates }, { scaled }) => scaled(Math.round(rates.drops)),
    style: ({ rates }) => (rates.drops > 0 ? 'bad' : 'dim'),
  },
];
/** Between columns. */
const GAP = 2;
/** In front of the first: a mark for the chosen one. */
export const MARK_WIDTH = 3;

/** The columns that fit `width`. */
export function columnsFor(width: number): readonly Column[] {
  const ranks = [...new Set(COLUMNS.map(({ rank }) => rank))].sort((a, b) => b - a);
  let shown = COLUMNS;
  for (const rank of ranks) {
    if (widthOf(shown) <= width || rank === 0) break;
    shown = shown.filter((column) => column.rank !== rank);
  }
  return shown;
}

/** What they take together. */
export function widthOf(columns: readonly Column[]): number {
  return columns.reduce((sum, { width }) => sum + width + GAP, MARK_WIDTH);
}

export function headLine(columns: readonly Column[]): Line {
  const heads = columns.map(
    ({ head, width, right }) => padded(head, width, right) + ' '.repeat(GAP),
  );
  return [span(' '.repeat(MARK_WIDTH) + heads.join(''), 'dim')];
}

export function adapterLine(
  columns: readonly Column[],
  adapter: AdapterView,
  mark: string,
  formats: Formats,
): Line {
  const cells = columns.map(({ text, width, right, style }) =>
    span(padded(text(adapter, formats), width, right) + ' '.repeat(GAP), style?.(adapter)),
  );
  return [span(padded(mark, MARK_WIDTH), 'key'), ...cells];
}
