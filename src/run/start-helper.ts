/** Starts the helper in new namespaces, by unshare(1). */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TunError, TunErrorCode } from '../index.ts';
import { workerUrl } from '../os/worker-url.ts';
import type { Rung } from './options.ts';

/** Options of unshare(1), in the short forms that busybox has as well. */
const NAMESPACES: Readonly<Record<Rung, readonly string[]>> = {
  kernel: ['-n', '-m'],
  rootless: ['-U', '-r', '-n', '-m'],
  veth: ['-U', '-r', '-n', '-m'],
};
export const UNSHARE = 'unshare';
/** What would make the helper's Node behave as the command's is to. */
const NODE_SETTINGS: readonly string[] = [
  'NODE_OPTIONS',
  'NODE_V8_COVERAGE',
  'NODE_EXTRA_CA_CERTS',
];
const STANDARD_ERROR = 2;
const NOTHING = '/dev/null';

/**
 * Starts it with `control` as a descriptor of its own, which stays the caller's (protocol.ts). That there is
 * no unshare(1) comes as the child's `error` event.
 *
 * @param stdio The command's streams, by the rules of `child_process.spawn`.
 * @throws TunError `SYSCALL` when this process has no descriptors left; TypeError for `stdio`.
 */
export function startHelper(rung: Rung, control: number, stdio: StdioOptions): ChildProcess {
  const all = typeof stdio === 'string' ? [stdio, stdio, stdio] : stdio;
  const [input = 'pipe', output = 'pipe', error] = all;
  // Of a descriptor above 2 spawn leaves nothing where it is told to ignore it.
  const nothing = error === 'ignore' ? openNothing() : undefined;
  try {
    const forError = error === 'inherit' ? STANDARD_ERROR : (nothing ?? error ?? 'pipe');
    return launch(rung, [input, output, 'pipe', control, 'pipe', forError]);
  } finally {
    if (nothing !== undefined) closeSync(nothing);
  }
}

function launch(rung: Rung, stdio: StdioOptions): ChildProcess {
  const program = fileURLToPath(workerUrl('child', import.meta.url));
  const settings = Object.entries(process.env).filter(([name]) => !NODE_SETTINGS.includes(name));
  const child = spawn(UNSHARE, [...NAMESPACES[rung], process.execPath, program], {
    // Its words are what tells what is wrong.
    env: { ...Object.fromEntries(settings), LC_ALL: 'C' },
    stdio,
  });
  const streams: unknown = child.stdio;
  if (streams !== undefined) return child;
  // Without descriptors for the streams there are none, and no process.
  child.on('error', () => undefined);
  throw noDescriptors('spawn');
}

function openNothing(): number {
  try {
    return openSync(NOTHING, 'r+');
  } catch (cause) {
    throw noDescriptors('open', cause);
  }
}

function noDescriptors(syscall: string, cause?: unknown): TunError {
  return new TunError(
    TunErrorCode.SYSCALL,
    'the helper cannot be started: this process, or the system, holds as many descriptors as it may ("ulimit -n")',
    { syscall, cause },
  );
}
