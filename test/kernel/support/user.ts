/** Children that run as a normal user who may open /dev/net/tun, as on most machines. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const USER = 65534;

/**
 * What runs a command as a normal user in a namespace. The command sees a /dev/net/tun of its own that
 * everybody may open; the machine's is left alone.
 */
export function userCommand(netns: string, folder: string): string[] {
  const inside =
    'mount --bind "$0" /dev/net/tun && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"';
  return ['ip', 'netns', 'exec', netns, 'sh', '-c', inside, join(folder, 'tun')];
}

/** A folder with a /dev/net/tun that everybody may open. */
export function tunFolder(): { folder: string; [Symbol.dispose](): void } {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-user-'));
  const made = spawnSync('mknod', ['-m', '0666', join(folder, 'tun'), 'c', '10', '200']);
  if (made.status !== 0) throw new Error(made.stderr.toString());
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface UserOptions {
  /** Descriptors that the child gets as 3 and on. */
  readonly fds?: readonly number[];
  /** Told what the child prints, as it comes. */
  readonly onOutput?: (text: string) => void;
}

/**
 * Runs a module as a normal user in a namespace; returns what it printed. Fails when it does.
 * `#dist/...` and `typetun` are the product.
 */
export async function runAsUser(
  netns: string,
  code: string,
  { fds = [], onOutput }: UserOptions = {},
): Promise<string> {
  using made = tunFolder();
  const [command, ...before] = userCommand(netns, made.folder);
  const node = [process.execPath, '--input-type=module', '--eval', code];
  const child = spawn(command!, [...before, ...node], {
    stdio: ['ignore', 'pipe', 'pipe', ...fds],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (text) => {
    stdout += text;
    onOutput?.(String(text));
  });
  child.stderr!.on('data', (text) => (stderr += text));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`the child ended with ${status}: ${stderr}${stdout}`);
  return stdout;
}
