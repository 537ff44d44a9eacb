/** One look of `typetun top`, as lines. It knows no terminal: what it makes can be printed, drawn, or compared. */

import type { Happening, Point, Sample } from '../../observe.ts';
import { sparkline } from '../demo/sparkline.ts';
import { adapterLine, columnsFor, headLine, widthOf } from './columns.ts';
import { detailLines } from './details.ts';
import { cutLine, padded, type Line, span } from './text.ts';

/** How numbers are written; those of typetun/observe. */
export interface Formats {
  bits(perSecond: number): string;
  bytes(bytes: number): string;
  count(count: number): string;
  scaled(value: number): string;
  duration(seconds: number): string;
  time(time: number): string;
}

export interface FrameInput {
  readonly sample: Sample;
  readonly history: Readonly<Record<string, readonly Point[]>>;
  /** Oldest first. */
  readonly happenings: readonly Happening[];
  readonly chosen: string | undefined;
  /** The last thing that was asked for: what came of it. */
  readonly notice: string;
  readonly help: boolean;
  readonly width: number;
  readonly height: number;
  readonly unicode: boolean;
  readonly formats: Formats;
}

/** Rows of adapters at least, however little room there is. */
const MIN_ROWS = 1;
/** What is above the adapters: the title, a blank line, the heads. */
const TOP_LINES = 3;
const FOOT_LINES = 1;
/** A sparkline at the end of a row is worth this many columns. */
const MIN_SPARK = 12;
const MAX_SPARK = 60;
const EVENT_LINES = 6;
/** Of the keys in the help. */
const KEY_WIDTH = 16;

const HELP: readonly (readonly [key: string, does: string])[] = [
  ['up, k', 'the adapter above'],
  ['down, j', 'the adapter below'],
  ['p', 'pauses the chosen adapter: nothing passes until it is restarted'],
  ['r', 'restarts it'],
  ['h, ?', 'this help'],
  ['q, Ctrl-C', 'ends'],
];

/** Exactly `height` lines, none wider than `width`. */
export function frame(input: FrameInput): Line[] {
  const { sample, width, height, help } = input;
  const chosen = sample.adapters.find(({ name }) => name === input.chosen) ?? sample.adapters[0];
  const below: Line[] = [];
  if (help) {
    below.push(
      [],
      ...HELP.map(([key, does]) => [span(padded(`   ${key}`, KEY_WIDTH), 'key'), span(does)]),
    );
  } else if (chosen !== undefined) {
    const points = input.history[chosen.name] ?? [];
    below.push([], ...detailLines({ ...input, adapter: chosen, points }));
  }
  const rows = Math.max(MIN_ROWS, height - TOP_LINES - FOOT_LINES - below.length);
  const table = tableLines(input, chosen?.name, rows);
  const lines = [...titleLines(input), ...table, ...below];
  lines.push(...eventLines(input, height - FOOT_LINES - lines.length));
  const body = lines.slice(0, Math.max(0, height - FOOT_LINES));
  while (body.length < height - FOOT_LINES) body.push([]);
  return [...body, footLine(input)].slice(-height).map((line) => cutLine(line, width));
}

function titleLines({ sample, formats, width }: FrameInput): Line[] {
  const { version, pid, uptimeSeconds } = sample.host;
  const count = sample.adapters.length;
  const host = `  host ${pid}, up ${formats.duration(uptimeSeconds)}, ${count} adapter${count === 1 ? '' : 's'}`;
  const title = ` typetun ${version}`;
  const time = `${formats.time(sample.time)} `;
  const gap = width - title.length - host.length - time.length;
  return [
    [span(title, 'bold'), span(host), span(padded(time, gap + time.length, true), 'dim')],
    [],
  ];
}

/** The heads, and the adapters that there is room for, the chosen one among them. */
function tableLines(input: FrameInput, chosen: string | undefined, rows: number): Line[] {
  const { sample, history, width, unicode, formats } = input;
  const { adapters } = sample;
  if (adapters.length === 0) return [[span('   This host has no adapters.', 'dim')]];
  const columns = columnsFor(width);
  const room = Math.min(MAX_SPARK, width - widthOf(columns) - 1);
  const position = adapters.findIndex(({ name }) => name === chosen);
  const from = Math.max(0, Math.min(position - Math.floor(rows / 2), adapters.length - rows));
  const mark = unicode ? ' ▸' : ' >';
  const lines = adapters.slice(from, from + rows).map((adapter): Line => {
    const line = adapterLine(columns, adapter, adapter.name === chosen ? mark : '', formats);
    if (room < MIN_SPARK) return line;
    const values = (history[adapter.name] ?? [])
      .slice(-room)
      .map(({ outBits, inBits }) => outBits + inBits);
    return [...line, span(sparkline(values, room, unicode), 'bar')];
  });
  return [headLine(columns), ...lines];
}

function eventLines({ happenings, formats, help }: FrameInput, room: number): Line[] {
  const count = Math.min(EVENT_LINES, room - 1, happenings.length);
  if (count <= 0 || help) return [];
  const shown = happenings.slice(-count).toReversed();
  return [
    [],
    ...shown.map(({ time, text }): Line => [span(` ${formats.time(time)}  `, 'dim'), span(text)]),
  ];
}

function footLine({ notice, unicode }: FrameInput): Line {
  const keys: readonly (readonly [key: string, does: string])[] = [
    [unicode ? '↑↓' : 'up/down', 'choose'],
    ['p', 'pause'],
    ['r', 'restart'],
    ['h', 'help'],
    ['q', 'quit'],
  ];
  const line = keys.flatMap(([key, does]) => [span(` ${key} `, 'key'), span(`${does} `, 'dim')]);
  return notice === '' ? line : [...line, span('  '), span(notice, 'warn')];
}
