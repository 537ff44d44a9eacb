/** The command `typetun` as a user calls it: a process of its own. */

import { type ExecFileOptions, execFile } from 'node:child_process';

const MAIN = 'dist/cli/main.js';
const TIMEOUT_MS = 60_000;

export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions extends Pick<ExecFileOptions, 'cwd'> {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Words in front: a command that runs it, such as `ip netns exec NAME`. */
  readonly before?: readonly string[];
  readonly main?: string;
}

/** Runs it to its end. Looks for no host but the one it is told of: XDG_RUNTIME_DIR and its kin are not passed on. */
export function runTypetun(
  args: readonly string[],
  { env, before = [], main = MAIN, cwd }: CommandOptions = {},
): Promise<CommandOutcome> {
  const { XDG_RUNTIME_DIR: _, RUNTIME_DIRECTORY: __, TYPETUN_HOST: ___, ...rest } = process.env;
  const [program, ...words] = [...before, process.execPath, main, ...args];
  const options = { timeout: TIMEOUT_MS, env: { ...rest, NO_COLOR: '1', ...env }, cwd };
  return new Promise((resolve) => {
    execFile(program!, words, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? -1);
      resolve({ code, stdout: String(stdout), stderr: String(stderr) });
    });
  });
}
