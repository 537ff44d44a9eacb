/** The picture for the README: how much passes, as bars, with the spread of the rounds. */

import type { Row } from './result.ts';
import { figure } from './table.ts';

const WIDTH = 760;
const LEFT = 250;
const RIGHT = 110;
const BAR = 18;
const STEP = 28;
const HEAD = 46;
const PANEL_GAP = 24;
const OURS = '#2f6fde';
const THEIRS = '#8a8f98';
const SPREAD = '#1b1f24';

export interface Panel {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Bars of each panel on a scale of its own, longest first; ours in another colour. Returns SVG. */
export function chart(panels: readonly Panel[], caption: string): string {
  let top = 0;
  const parts = panels.map(({ title, rows }) => {
    const sorted = [...rows].sort((a, b) => b.median - a.median);
    const longest = Math.max(...sorted.map(({ high }) => high));
    const scale = (WIDTH - LEFT - RIGHT) / longest;
    const bars = sorted.map((row, i) => bar(row, top + HEAD + i * STEP, scale));
    const drawn = `${text(16, top + 26, title, 'font-weight="600"')}\n${bars.join('\n')}`;
    top += HEAD + sorted.length * STEP + PANEL_GAP;
    return drawn;
  });
  const height = top + 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
${parts.join('\n')}
${text(16, height - 12, caption, 'fill="#57606a" font-size="11"')}
</svg>
`;
}

function bar(row: Row, y: number, scale: number): string {
  const { title, median, low, high, unit } = row;
  const colour = title.startsWith('typetun') ? OURS : THEIRS;
  const middle = y + BAR / 2;
  return `${text(LEFT - 8, y + 13, title, 'text-anchor="end"')}
<rect x="${LEFT}" y="${y}" width="${(median * scale).toFixed(1)}" height="${BAR}" rx="2" fill="${colour}"/>
<path d="M${(LEFT + low * scale).toFixed(1)} ${middle}H${(LEFT + high * scale).toFixed(1)}" stroke="${SPREAD}" stroke-width="2"/>
${text(LEFT + high * scale + 8, y + 13, `${figure(median)} ${unit}`)}`;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y}" fill="#1b1f24" ${attributes}>${safe}</text>`;
}
