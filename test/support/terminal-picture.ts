/** A screen as an SVG, for documents. */

import type { Cell, TerminalScreen } from './terminal-screen.ts';

const CELL_WIDTH = 8.4;
const CELL_HEIGHT = 18;
const MARGIN = 16;
const BASELINE = 13;
const PALETTE: Readonly<Record<string, string>> = {
  default: '#d7dce5',
  red: '#ff7b72',
  green: '#3ed6a8',
  yellow: '#f0b429',
  blue: '#74a7ff',
  magenta: '#d2a8ff',
  cyan: '#74c7ff',
  white: '#ffffff',
};

export function terminalPicture(screen: TerminalScreen): string {
  const width = screen.columns * CELL_WIDTH + 2 * MARGIN;
  const height = screen.rows * CELL_HEIGHT + 2 * MARGIN;
  const lines = screen.cells.flatMap((row, y) =>
    runs(row).map(({ x, text, cell }) => {
      const fill = PALETTE[cell.colour] ?? PALETTE['default'];
      const place = `x="${round(MARGIN + x * CELL_WIDTH)}" y="${MARGIN + y * CELL_HEIGHT + BASELINE}"`;
      // As wide as the cells, whatever font there is.
      const length = `textLength="${round([...text].length * CELL_WIDTH)}" lengthAdjust="spacingAndGlyphs"`;
      const weight = cell.bold ? ' font-weight="700"' : '';
      const faint = cell.dim ? ' opacity="0.62"' : '';
      return `<text ${place} ${length} fill="${fill}"${weight}${faint}>${escaped(text)}</text>`;
    }),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${height}" width="${round(width)}" height="${height}" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" xml:space="preserve">
<title>typetun top</title>
<rect width="100%" height="100%" rx="10" fill="#10141b"/>
${lines.join('\n')}
</svg>
`;
}

interface Run {
  readonly x: number;
  readonly text: string;
  readonly cell: Cell;
}

/** Neighbours of one style, without the blanks around them. */
function runs(row: readonly Cell[]): Run[] {
  const found: { x: number; text: string; cell: Cell }[] = [];
  for (const [x, cell] of row.entries()) {
    const last = found.at(-1);
    const isSame =
      last !== undefined &&
      last.x + [...last.text].length === x &&
      (cell.text === ' ' ||
        (last.cell.colour === cell.colour &&
          last.cell.bold === cell.bold &&
          last.cell.dim === cell.dim));
    if (isSame) last.text += cell.text;
    else if (cell.text !== ' ') found.push({ x, text: cell.text, cell });
  }
  return found
    .map((run) => ({ ...run, text: run.text.replace(/ +$/, '') }))
    .flatMap((run) => pieces(run));
}

/** Words far apart stand for themselves: a stretched gap would move them. */
function pieces({ x, text, cell }: Run): Run[] {
  return [...text.matchAll(/\S+(?: \S+)*/g)].map((match) => {
    return { x: x + [...text.slice(0, match.index)].length, text: match[0], cell };
  });
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function round(value: number): string {
  return value.toFixed(1);
}
