/** A terminal that is ours alone for a while, by the package terminal-kit, which is loaded here alone. */

import { TunError, TunErrorCode } from '../../errors.ts';
import type termkit from 'terminal-kit';
import type { ScreenBuffer } from 'terminal-kit';
import type { Line, Style } from './text.ts';

type Attributes = ScreenBuffer.Attributes;

const STYLES: Readonly<Record<Style, Attributes>> = {
  plain: {},
  bold: { bold: true },
  dim: { dim: true },
  good: { color: 'green' },
  warn: { color: 'yellow' },
  bad: { color: 'red' },
  out: { color: 'cyan' },
  in: { color: 'green' },
  bar: { color: 'cyan' },
  key: { color: 'yellow', bold: true },
};
/** What is left of them where no colour is wanted (https://no-color.org). */
const COLOURLESS: Readonly<Record<Style, Attributes>> = {
  ...{ plain: {}, good: {}, warn: {}, out: {}, in: {}, bar: {} },
  ...{ bold: { bold: true }, dim: { dim: true }, bad: { bold: true }, key: { bold: true } },
};

export interface ScreenHooks {
  /** A key, as terminal-kit calls it: `q`, `UP`, `CTRL_C`. */
  key(name: string): void;
  /** The terminal has another size: draw again. */
  resized(): void;
}

/**
 * Between {@link Screen.open} and {@link close} the terminal shows what is drawn, and gives its keys. However the process
 * ends by itself, the terminal is as it was: it is also given back when the process exits.
 */
export class Screen {
  readonly #terminal: termkit.Terminal;
  readonly #styles: Readonly<Record<Style, Attributes>>;
  readonly #restore: () => void = () => this.close();
  readonly #makeBuffer: () => ScreenBuffer;
  #buffer: ScreenBuffer;
  #open = true;

  /** Rejects with TunError `UNSUPPORTED` where terminal-kit is not installed. */
  static async open(hooks: ScreenHooks): Promise<Screen> {
    return new Screen(await load(), hooks);
  }

  private constructor(kit: typeof termkit, hooks: ScreenHooks) {
    const { terminal } = kit;
    this.#terminal = terminal;
    this.#styles = process.env['NO_COLOR'] ? COLOURLESS : STYLES;
    process.on('exit', this.#restore);
    terminal.fullscreen(true);
    terminal.hideCursor();
    terminal.grabInput(true);
    this.#makeBuffer = () => new kit.ScreenBuffer({ dst: terminal });
    this.#buffer = this.#makeBuffer();
    terminal.on('key', (name: string) => hooks.key(name));
    terminal.on('resize', () => {
      if (!this.#open) return;
      this.#buffer = this.#makeBuffer();
      terminal.clear();
      hooks.resized();
    });
  }

  get width(): number {
    return this.#terminal.width;
  }

  get height(): number {
    return this.#terminal.height;
  }

  /** Shows `lines`, from the top; only what differs from what is there is written. */
  draw(lines: readonly Line[]): void {
    if (!this.#open) return;
    this.#buffer.fill({ attr: {}, char: ' ' });
    for (const [y, line] of lines.entries()) {
      let x = 0;
      for (const { text, style } of line) {
        // As an argument: in the format itself % and ^ would mean something.
        const attr = this.#styles[style];
        this.#buffer.put({ x, y, attr, wrap: false, dx: 1, dy: 0 }, '%s', text);
        x += Array.from(text).length;
      }
    }
    this.#buffer.draw({ delta: true });
  }

  /** Gives the terminal back. Safe to call twice. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    process.off('exit', this.#restore);
    this.#terminal.grabInput(false);
    this.#terminal.styleReset();
    this.#terminal.hideCursor(false);
    this.#terminal.fullscreen(false);
  }
}

async function load(): Promise<typeof termkit> {
  try {
    const { default: kit } = await import('terminal-kit');
    return kit;
  } catch (error) {
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      'typetun top takes the package terminal-kit, which is not installed; install it with: npm install terminal-kit',
      { cause: error },
    );
  }
}
