/** `typetun serve` in a process of its own, and folders for its sockets. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ControlClient } from 'typetun/service';

export const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const MAIN = join(ROOT, 'dist', 'cli', 'main.js');
const DEADLINE_MS = 10_000;

/** A folder that everybody may pass through; removed at the end of `using`. */
export function scratch(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'typetun-serve-'));
  chmodSync(path, 0o755);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export interface Served extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly runDirectory: string;
  readonly control: ControlClient;
  /** What it has written to standard error. */
  log(): string;
  /** Ends it as an administrator would, and resolves to its exit status. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface ServeOptions {
  /** Further arguments. */
  readonly args?: readonly string[];
  /** In front of the command, such as `ip netns exec NAME`. */
  readonly wrapper?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts a host at `runDirectory` and connects to it; fails with what it said when it ends instead. */
export async function serve(
  runDirectory: string,
  { args = [], wrapper = [], environment = {} }: ServeOptions = {},
): Promise<Served> {
  const words = [...wrapper, process.execPath, MAIN, 'serve', '--run-directory', runDirectory];
  const child = spawn(words[0]!, [...words.slice(1), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let text = '';
  child.stderr.on('data', (chunk) => (text += chunk));
  const ended = once(child, 'close') as Promise<[number | null]>;
  const control = await connect(runDirectory, child, () => text);
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    child.kill(signal);
    const [status] = await ended;
    return status;
  };
  return {
    process: child,
    runDirectory,
    control,
    log: () => text,
    stop,
    [Symbol.asyncDispose]: async () => {
      await control.close();
      if (child.exitCode === null && child.signalCode === null) await stop('SIGKILL');
    },
  };
}

async function connect(
  runDirectory: string,
  child: ChildProcess,
  log: () => string,
): Promise<ControlClient> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    try {
      return await ControlClient.connect({ runDirectory });
    } catch (error) {
      const ended = child.exitCode !== null || child.signalCode !== null;
      if (!ended && performance.now() < deadline) continue;
      child.kill('SIGKILL');
      throw new Error(`the host did not start: ${log()}`, { cause: error });
    }
  }
}
