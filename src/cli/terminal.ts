/** How the command line looks: colour and symbols on a terminal, plain text everywhere else. */

/** Escape sequences (ECMA-48, SGR). */
const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
const RESET = '\x1b[0m';

/** Output of one stream. */
export interface Terminal {
  /** Whether a person watches: colour and lines that are overwritten make sense. */
  readonly interactive: boolean;
  /** Whether symbols beyond ASCII can be shown. */
  readonly unicode: boolean;
  readonly columns: number;
  style(text: string, ...styles: readonly (keyof typeof STYLES)[]): string;
  /** Writes text as it is. */
  write(text: string): void;
  /** Writes a line. */
  line(text?: string): void;
  /** Replaces the line the cursor is on; nothing when nobody watches. */
  live(text: string): void;
}

/** Columns assumed when the stream does not say. */
const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = '\r\x1b[2K';

/** Describes a stream, honouring NO_COLOR (https://no-color.org) and the locale. */
export function terminalOf(stream: NodeJS.WriteStream): Terminal {
  const interactive = stream.isTTY === true && process.env['TERM'] !== 'dumb';
  const colour = interactive && !process.env['NO_COLOR'];
  const locale =
    process.env['LC_ALL'] || process.env['LC_CTYPE'] || process.env['LANG'] || 'C.UTF-8';
  const columns = stream.columns || DEFAULT_COLUMNS;
  let live = false;
  const write = (text: string): void => {
    stream.write(live ? `${CLEAR_LINE}${text}` : text);
    live = false;
  };
  return {
    interactive,
    unicode: /utf-?8/i.test(locale),
    columns,
    style(text, ...styles) {
      if (!colour) return text;
      return `\x1b[${styles.map((style) => STYLES[style]).join(';')}m${text}${RESET}`;
    },
    write,
    line: (text = '') => write(`${text}\n`),
    live(text) {
      if (!interactive) return;
      stream.write(CLEAR_LINE + text);
      live = true;
    },
  };
}
