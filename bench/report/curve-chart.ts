/** The picture of curves: panels side by side, each with what grows to the right, in doublings. */

import type { Row } from './result.ts';
import { figure } from './table.ts';

const PANEL = 300;
const GAP = 70;
const LEFT = 56;
const TOP = 62;
const PLOT = 220;
const BOTTOM = 62;
const COLOURS = ['#2f6fde', '#d9730d'];
const INK = '#1b1f24';
const FAINT = '#57606a';
const GRID = '#d8dee4';
/** Room above the highest and below the lowest value of a panel. */
const AIR = 1.15;
const DOT = 3;

export interface CurvePanel {
  readonly title: string;
  /** Rows that are no point of a curve are left out. */
  readonly rows: readonly Row[];
}

/** Where a value is drawn. */
type Scale = (value: number) => number;

/** Both axes are logarithmic, so that a step of the same proportion is as long everywhere. */
export function curveChart(panels: readonly CurvePanel[], caption: string): string {
  const width = LEFT + panels.length * (PANEL + GAP);
  const height = TOP + PLOT + BOTTOM;
  const drawn = panels.map((panel, i) => plot(panel, LEFT + i * (PANEL + GAP)));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
${drawn.join('\n')}
${text(16, height - 10, caption, `fill="${FAINT}" font-size="11"`)}
</svg>
`;
}

function plot({ title, rows }: CurvePanel, left: number): string {
  const points = rows.filter(({ point }) => point !== undefined);
  const x = logarithmic(points.map(at), left, left + PANEL);
  const values = points.flatMap(({ low, high }) => [low, high]);
  const bounds = [Math.min(...values) / AIR, Math.max(...values) * AIR];
  const y = logarithmic(bounds, TOP + PLOT, TOP);
  const curves = [...new Set(points.map(({ point }) => point!.curve))];
  return [
    text(left - 40, 26, title, `fill="${INK}" font-weight="600"`),
    ...curves.map((name, i) =>
      text(left + i * 110, 46, `● ${name}`, `fill="${COLOURS[i % COLOURS.length]}"`),
    ),
    ...ticks(bounds[0]!, bounds[1]!).map((value) => level(value, left, y(value))),
    ...[...new Set(points.map(at))].map((value) => step(value, x(value))),
    ...curves.map((name, i) =>
      curve(
        points.filter(({ point }) => point!.curve === name),
        x,
        y,
        COLOURS[i % COLOURS.length]!,
      ),
    ),
  ].join('\n');
}

function curve(rows: readonly Row[], x: Scale, y: Scale, colour: string): string {
  const sorted = rows.toSorted((a, b) => at(a) - at(b));
  const line = sorted.map((row) => `${place(x(at(row)))},${place(y(row.median))}`).join(' ');
  const spreads = sorted.map(
    (row) => `M${place(x(at(row)))} ${place(y(row.low))}V${place(y(row.high))}`,
  );
  const dots = sorted.map(
    (row) => `<circle cx="${place(x(at(row)))}" cy="${place(y(row.median))}" r="${DOT}"/>`,
  );
  return `<g fill="${colour}" stroke="${colour}"><polyline points="${line}" fill="none" stroke-width="2"/><path d="${spreads.join('')}" stroke-opacity="0.5" stroke-width="4"/>${dots.join('')}</g>`;
}

/** A line across, and the value it is at. */
function level(value: number, left: number, y: number): string {
  return `<path d="M${left} ${place(y)}H${left + PANEL}" stroke="${GRID}"/>
${text(left - 6, y + 4, figure(value), `fill="${FAINT}" text-anchor="end"`)}`;
}

/** A step of what grows, below the plot; upright, since there are many. */
function step(value: number, x: number): string {
  const y = TOP + PLOT + 8;
  return text(
    x + 4,
    y,
    String(value),
    `fill="${FAINT}" font-size="10" text-anchor="end" transform="rotate(-60 ${place(x + 4)} ${y})"`,
  );
}

/** 1, 2 and 5 times the powers of ten in between. */
function ticks(lowest: number, highest: number): number[] {
  const found: number[] = [];
  for (let power = 10 ** Math.floor(Math.log10(lowest)); power <= highest; power *= 10) {
    for (const digit of [1, 2, 5]) {
      const value = digit * power;
      if (value >= lowest && value <= highest) found.push(value);
    }
  }
  return found;
}

function logarithmic(values: readonly number[], from: number, to: number): Scale {
  const lowest = Math.log(Math.min(...values));
  const highest = Math.log(Math.max(...values));
  return (value) => from + ((Math.log(value) - lowest) / (highest - lowest || 1)) * (to - from);
}

function at({ point }: Row): number {
  return point!.at;
}

function place(pixels: number): string {
  return pixels.toFixed(1);
}

function text(x: number, y: number, content: string, attributes: string): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${place(x)}" y="${place(y)}" ${attributes}>${safe}</text>`;
}
