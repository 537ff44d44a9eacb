/** Tables of plain text, as `ip` and `wg` print them. */

import type { Terminal } from '../terminal.ts';

/** Between two columns. */
const GAP = '  ';

/** One column: its heading, and whether it holds numbers, which stand at its right edge. */
export interface Column {
  readonly heading: string;
  readonly right?: boolean;
}

/** The lines of a table, heading first. Without rows the heading alone. */
export function tableLines(
  terminal: Terminal,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = columns.map(({ heading }, at) =>
    Math.max(heading.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) =>
        columns[at]?.right ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
      )
      .join(GAP)
      .trimEnd();
  const heading = line(columns.map((column) => column.heading));
  return [terminal.style(heading, 'bold'), ...rows.map(line)];
}

/** Named values one below the other, under a title. What is undefined is left out. */
export function listLines(
  terminal: Terminal,
  title: string,
  values: readonly (readonly [name: string, value: string | undefined])[],
): string[] {
  const there = values.filter(
    (value): value is readonly [string, string] => value[1] !== undefined,
  );
  const width = Math.max(...there.map(([name]) => name.length));
  return [
    terminal.style(title, 'bold'),
    ...there.map(
      ([name, value]) => `${GAP}${terminal.style(name.padEnd(width), 'cyan')}${GAP}${value}`,
    ),
  ];
}
