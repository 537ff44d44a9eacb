/**
 * What a terminal shows of what a program wrote: enough of ECMA-48 and of xterm's private modes for full-screen programs.
 * What it does not know it notes, so that a test can see that nothing was missed.
 */

/** One place on the screen. */
export interface Cell {
  readonly text: string;
  /** `green`, `default`, ... */
  readonly colour: string;
  readonly bold: boolean;
  readonly dim: boolean;
}

const ESCAPE = '\x1b';
const BELL = '\x07';
/** Control sequences, choices of character sets, single characters, and strings such as titles. */
const SEQUENCE = new RegExp(
  `^${ESCAPE}(?:\\[(?<parameters>[\\d;?]*)(?<final>[A-Za-z])|[()][A-Z0-9]|[=>78]|\\][^${BELL}]*${BELL})`,
);
const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
const PLAIN = { colour: 'default', bold: false, dim: false };
const BLANK: Cell = { text: ' ', ...PLAIN };

export class TerminalScreen {
  /** Modes that are on: 25 the cursor is seen, 1049 the other screen. */
  readonly modes = new Set<number>([25]);
  readonly unknown: string[] = [];
  columns: number;
  rows: number;
  #cells: Cell[][];
  #row = 0;
  #column = 0;
  #pen = { ...PLAIN };
  #held = '';

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
    this.#cells = this.#blank();
  }

  get cells(): readonly (readonly Cell[])[] {
    return this.#cells;
  }

  get lines(): string[] {
    return this.#cells.map((row) =>
      row
        .map(({ text }) => text)
        .join('')
        .trimEnd(),
    );
  }

  get text(): string {
    return this.lines.join('\n');
  }

  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    const before = this.#cells;
    this.#cells = this.#blank().map((row, y) => row.map((cell, x) => before[y]?.[x] ?? cell));
  }

  write(text: string): void {
    let rest = this.#held + text;
    this.#held = '';
    while (rest !== '') {
      const sequence = SEQUENCE.exec(rest);
      if (sequence !== null) {
        const { parameters, final } = sequence.groups ?? {};
        if (final !== undefined) this.#control(parameters ?? '', final);
        rest = rest.slice(sequence[0].length);
      } else if (rest.startsWith('\x1b') && rest.length < 16) {
        this.#held = rest;
        return;
      } else {
        const [character] = rest as unknown as Iterable<string>;
        this.#put(character!);
        rest = rest.slice(character!.length);
      }
    }
  }

  #put(character: string): void {
    if (character === '\r') this.#column = 0;
    else if (character === '\n') this.#row = Math.min(this.rows - 1, this.#row + 1);
    else if (character < ' ') this.unknown.push(JSON.stringify(character));
    else {
      const row = this.#cells[this.#row];
      if (row !== undefined && this.#column < this.columns)
        row[this.#column] = { text: character, ...this.#pen };
      this.#column++;
    }
  }

  #control(parameters: string, final: string): void {
    const numbers = parameters.replace('?', '').split(';').map(Number);
    const [first = 0] = numbers;
    if (parameters.startsWith('?') && (final === 'h' || final === 'l')) {
      for (const mode of numbers) {
        if (final === 'h') this.modes.add(mode);
        else this.modes.delete(mode);
      }
      if (first === 1049 && final === 'h') this.#cells = this.#blank();
    } else if (final === 'H' || final === 'f') {
      this.#row = Math.max(1, first) - 1;
      this.#column = Math.max(1, numbers[1] ?? 1) - 1;
    } else if (final === 'J' && first === 2) this.#cells = this.#blank();
    else if (final === 'J' && first === 0) this.#clearFrom(this.#row + 1);
    else if (final === 'm' && first === 38)
      this.#pen.colour = COLOURS[numbers[2] ?? 0] ?? 'default';
    else if (final === 'm') for (const number of numbers) this.#style(number);
    else if (final === 'C') this.#column += Math.max(1, first);
    else if (!'rtl'.includes(final)) this.unknown.push(`CSI ${parameters}${final}`);
  }

  #style(number: number): void {
    if (number === 0) this.#pen = { ...PLAIN };
    else if (number === 1) this.#pen.bold = true;
    else if (number === 2) this.#pen.dim = true;
    else if (number === 22) Object.assign(this.#pen, { bold: false, dim: false });
    else if (number >= 30 && number <= 37) this.#pen.colour = COLOURS[number - 30]!;
    else if (number >= 90 && number <= 97) this.#pen.colour = COLOURS[number - 90]!;
    else if (number === 39) this.#pen.colour = 'default';
  }

  #clearFrom(row: number): void {
    const blank = this.#blank();
    for (let y = row; y < this.rows; y++) this.#cells[y] = blank[y]!;
  }

  #blank(): Cell[][] {
    return Array.from({ length: this.rows }, () => Array<Cell>(this.columns).fill(BLANK));
  }
}
