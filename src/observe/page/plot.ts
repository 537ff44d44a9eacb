/** Throughput over the last minutes: what the system sent above the axis, what it was given below. */

import { svg } from './dom.ts';
import { formatBits } from './format.ts';
import type { Point } from './model.ts';

/** Where the width is not known yet. */
const USUAL_WIDTH = 720;
const HEIGHT = 260;
/** Room for the scale's words on the right, and for the time's below. */
const RIGHT = 84;
const BOTTOM = 24;
const TOP = 8;
const MIDDLE = (TOP + HEIGHT - BOTTOM) / 2;
const REACH = MIDDLE - TOP;
const BASELINE = 4;
const LABEL_GAP = 10;
/** An idle adapter's scale, in bit/s: what moves now and then must not look like a storm. */
const SMALLEST_SCALE = 1000;
const STEPS = [1, 2, 5, 10];
const MS_PER_SECOND = 1000;
const SECONDS_PER_MINUTE = 60;

export interface Plot {
  readonly element: SVGSVGElement;
  /** Draws `points`, oldest first, over `spanMs` that end with `end`. */
  draw(points: readonly Point[], end: number, spanMs: number): void;
}

export function plot(): Plot {
  const element = svg('svg', { class: 'plot', role: 'img' });
  const title = svg('title');
  const out = svg('path', { class: 'area out' });
  const received = svg('path', { class: 'area in' });
  const outLine = svg('path', { class: 'line out' });
  const receivedLine = svg('path', { class: 'line in' });
  const lines: SVGLineElement[] = [];
  const scales = [TOP, TOP + REACH / 2, MIDDLE, MIDDLE + REACH / 2, MIDDLE + REACH].map((y) => {
    const label = svg('text', { class: 'scale', y: y + BASELINE });
    const line = svg('line', { class: y === MIDDLE ? 'axis' : 'grid', x1: 0, y1: y, y2: y });
    lines.push(line);
    element.append(line, label);
    return label;
  });
  const from = svg('text', { class: 'scale', x: 0, y: HEIGHT - 6 });
  const till = svg('text', { class: 'scale', y: HEIGHT - 6, 'text-anchor': 'end' });
  till.textContent = 'now';
  element.append(title, out, received, outLine, receivedLine, from, till);
  return {
    element,
    draw(points, end, spanMs) {
      const width = element.clientWidth || USUAL_WIDTH;
      const plotWidth = width - RIGHT;
      // One unit is one pixel: words are as large as elsewhere, however wide the page is.
      element.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
      for (const line of lines) line.setAttribute('x2', String(plotWidth));
      for (const label of scales) label.setAttribute('x', String(plotWidth + LABEL_GAP));
      till.setAttribute('x', String(plotWidth));
      const most = Math.max(0, ...points.flatMap(({ outBits, inBits }) => [outBits, inBits]));
      const scale = niceScale(most);
      const x = ({ time }: Point): number => plotWidth * (1 - (end - time) / spanMs);
      const shown = points.filter((point) => x(point) >= 0);
      const up = shown.map(
        (point) => [x(point), MIDDLE - (point.outBits / scale) * REACH] as const,
      );
      const down = shown.map(
        (point) => [x(point), MIDDLE + (point.inBits / scale) * REACH] as const,
      );
      outLine.setAttribute('d', lineThrough(up));
      receivedLine.setAttribute('d', lineThrough(down));
      out.setAttribute('d', areaUnder(up));
      received.setAttribute('d', areaUnder(down));
      const words = [scale, scale / 2, 0, scale / 2, scale].map((value) =>
        value === 0 ? '0' : formatBits(value),
      );
      for (const [index, label] of scales.entries()) label.textContent = words[index]!;
      from.textContent = ago(spanMs);
      const last = points.at(-1);
      title.textContent = `Out ${formatBits(last?.outBits ?? 0)}, in ${formatBits(last?.inBits ?? 0)}.`;
    },
  };
}

/** The next 1, 2 or 5 times a power of ten. */
export function niceScale(most: number): number {
  const value = Math.max(most, SMALLEST_SCALE);
  const power = 10 ** Math.floor(Math.log10(value));
  return power * STEPS.find((step) => step * power >= value)!;
}

type Place = readonly [x: number, y: number];

function lineThrough(places: readonly Place[]): string {
  return places
    .map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`)
    .join('');
}

function areaUnder(places: readonly Place[]): string {
  const first = places[0];
  const last = places.at(-1);
  if (first === undefined || last === undefined) return '';
  return `${lineThrough(places)}L${round(last[0])} ${MIDDLE}L${round(first[0])} ${MIDDLE}Z`;
}

function round(value: number): string {
  return value.toFixed(1);
}

function ago(spanMs: number): string {
  const seconds = Math.round(spanMs / MS_PER_SECOND);
  if (seconds % SECONDS_PER_MINUTE !== 0) return `${seconds} s ago`;
  return `${seconds / SECONDS_PER_MINUTE} min ago`;
}
