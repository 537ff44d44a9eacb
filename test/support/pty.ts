/** A program on a terminal of its own, by script(1) of util-linux. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TerminalScreen } from './terminal-screen.ts';
import { until } from './until.ts';

const SCRIPT = '/usr/bin/script';

/** Why no test on a terminal can run here, or false. */
export const ptySkip: string | false = isThere()
  ? false
  : 'needs script(1) (package bsdutils) and stty(1)';

export class PtyProgram {
  readonly screen: TerminalScreen;
  /** All that was written. */
  raw = '';
  /** Exit status, once it has ended. */
  readonly ended: Promise<number>;
  readonly #child: ChildProcess;
  readonly #folder: string;

  /** Runs `command`, a line for sh, on a terminal of that size; `folder` is for what is noted of it. */
  constructor(
    command: string,
    columns: number,
    rows: number,
    folder: string,
    env: Record<string, string> = {},
  ) {
    this.#folder = folder;
    this.screen = new TerminalScreen(columns, rows);
    const before = `stty rows ${rows} cols ${columns}; tty > ${folder}/tty; stty -g > ${folder}/before`;
    const line = `${before}; ${command}; code=$?; stty -g > ${folder}/after; exit $code`;
    this.#child = spawn(SCRIPT, ['-qfec', line, '/dev/null'], {
      env: {
        ...process.env,
        TERM: 'xterm-256color',
        LANG: 'C.UTF-8',
        LC_ALL: 'C.UTF-8',
        NO_COLOR: '',
        SHELL: '/bin/sh',
        ...env,
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout!.setEncoding('utf8');
    this.#child.stdout!.on('data', (text: string) => {
      this.raw += text;
      this.screen.write(text);
    });
    this.ended = once(this.#child, 'close').then(([code]) => code as number);
  }

  type(keys: string): void {
    this.#child.stdin!.write(keys);
  }

  /** Waits until the screen shows `pattern`. */
  async shows(pattern: RegExp): Promise<void> {
    try {
      await until(() => pattern.test(this.screen.text));
    } catch {
      throw new Error(`never shown: ${pattern}\n${this.screen.text}`);
    }
  }

  resize(columns: number, rows: number): void {
    this.screen.resize(columns, rows);
    const terminal = readFileSync(join(this.#folder, 'tty'), 'utf8').trim();
    execFileSync('stty', ['-F', terminal, 'rows', String(rows), 'cols', String(columns)]);
  }

  /** Whether the terminal's settings are as they were before the program. Once it has ended. */
  get restored(): boolean {
    const read = (name: string): string => readFileSync(join(this.#folder, name), 'utf8');
    return existsSync(join(this.#folder, 'after')) && read('before') === read('after');
  }

  /** Ends what still runs. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

function isThere(): boolean {
  try {
    accessSync(SCRIPT, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
