/** The command `typetun` as a user calls it: a process of its own. */

import { type ChildProcess, execFile } from 'node:child_process';
import { resolve as resolvePath } from 'node:path';

const MAIN = resolvePath('dist/cli/main.js');
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 2 ** 20;

export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  /** The same as bytes. */
  readonly bytes: Buffer;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Words in front: a command that runs it, such as `ip netns exec NAME`. */
  readonly before?: readonly string[];
  /** Standard input; without it there is none. */
  readonly input?: Uint8Array;
  /** Whether standard input goes on after that. */
  readonly endless?: boolean;
  readonly cwd?: string;
  /** Told of the process once it runs. */
  readonly onStart?: (child: ChildProcess) => void;
}

/**
 * Runs it to its end; a signal's end has the code -1. It looks for no host but the one it is told of: the variables
 * that say where one may be are not passed on.
 */
export function runTypetun(
  args: readonly string[],
  { env, before = [], input, endless, cwd, onStart }: CommandOptions = {},
): Promise<CommandOutcome> {
  const { XDG_RUNTIME_DIR: _, RUNTIME_DIRECTORY: __, TYPETUN_HOST: ___, ...rest } = process.env;
  const [program, ...words] = [...before, process.execPath, MAIN, ...args];
  const options = {
    timeout: TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
    env: { ...rest, NO_COLOR: '1', ...env },
    encoding: 'buffer' as const,
    ...(cwd !== undefined && { cwd }),
  };
  return new Promise((resolve) => {
    const child = execFile(program!, words, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? -1);
      resolve({ code, stdout: stdout.toString(), bytes: stdout, stderr: stderr.toString() });
    });
    // It may end without reading all of it.
    child.stdin?.on('error', () => undefined);
    if (input !== undefined) child.stdin?.write(input);
    if (!endless) child.stdin?.end();
    onStart?.(child);
  });
}
