/**
 * Commands run as a normal user who may make user namespaces and, as on most machines, open /dev/net/tun, or
 * may not. From root that takes a mount namespace with a /dev/net/tun of its own; the machine's is left alone.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  mkdirSync,
  mkdtempSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Tool, toolSkip } from './root.ts';

const USER = 65534;
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const TUN = '/dev/net/tun';
const isRoot = process.getuid?.() === 0;

/** Lays the device and the clone where the user can get at them, and becomes the user. */
const BECOME = [
  `mount --bind "$1/tun" ${TUN}`,
  `mount --bind "${ROOT}" "$1/clone"`,
  'cd "$1/clone"',
  'HOME="$1/home"',
  'export HOME',
  'shift',
  `exec setpriv --reuid=${USER} --regid=${USER} --clear-groups "$@"`,
].join(' && ');

/** Whether the user may open /dev/net/tun. */
export type TunAccess = 'open' | 'closed';

/**
 * Why nothing can be run like that here, with a /dev/net/tun that is open, or false. `tools` are the
 * commands that the test starts.
 */
export function rootlessSkip(...tools: readonly Tool[]): string | false {
  return unprivilegedSkip('open', ...tools);
}

/** The same with a /dev/net/tun that is open, or closed. */
export function unprivilegedSkip(tun: TunAccess, ...tools: readonly Tool[]): string | false {
  if (process.getuid === undefined) return 'needs Linux';
  const missing = toolSkip(...tools);
  if (missing !== false) return missing;
  const probe = spawnSync('unshare', isRoot ? ['-m', 'true'] : ['-U', '-r', '-n', '-m', 'true']);
  if (probe.status !== 0) return 'needs user and mount namespaces, which are refused here';
  if (isRoot || mayOpenTun() === (tun === 'open')) return false;
  return `needs a ${TUN} that this user may ${tun === 'open' ? '' : 'not '}open`;
}

function mayOpenTun(): boolean {
  try {
    accessSync(TUN, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A user's surroundings, removed when it is disposed. Files of the user go to `home`. */
export class Rootless {
  readonly home: string;
  readonly #folder: string;

  constructor(tun: TunAccess = 'open') {
    this.#folder = mkdtempSync(join(tmpdir(), 'typetun-rootless-'));
    chmodSync(this.#folder, 0o755);
    this.home = join(this.#folder, 'home');
    mkdirSync(this.home);
    if (!isRoot) return;
    mkdirSync(join(this.#folder, 'clone'));
    chownSync(this.home, USER, USER);
    const device = join(this.#folder, 'tun');
    const mode = tun === 'open' ? '0666' : '0600';
    const made = spawnSync('mknod', ['-m', mode, device, 'c', '10', '200']);
    if (made.status !== 0) throw new Error(made.stderr.toString());
  }

  /** The words that run a command, from the clone's root, as the user. */
  command(...words: readonly string[]): string[] {
    return isRoot
      ? ['unshare', '-m', 'sh', '-c', BECOME, 'sh', this.#folder, ...words]
      : [...words];
  }

  /** Starts it; `input` is its standard input. */
  start(words: readonly string[], input: 'ignore' | 'pipe' = 'ignore', netns?: string) {
    const before = netns === undefined ? [] : ['ip', 'netns', 'exec', netns];
    const [program, ...rest] = [...before, ...this.command(...words)];
    return spawn(program!, rest, { cwd: ROOT, stdio: [input, 'pipe', 'pipe'] });
  }

  /** Runs it to its end, with this standard input; as root, in that network namespace. */
  async run(
    words: readonly string[],
    { input, netns }: { readonly input?: string; readonly netns?: string } = {},
  ): Promise<Outcome> {
    const child = this.start(words, input === undefined ? 'ignore' : 'pipe', netns);
    child.stdin?.end(input);
    let stdout = '';
    let stderr = '';
    child.stdout!.on('data', (part) => (stdout += part));
    child.stderr!.on('data', (part) => (stderr += part));
    const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return { status, signal, stdout, stderr };
  }

  /** `typetun` with these words. */
  typetun(...words: readonly string[]): Promise<Outcome> {
    return this.run([process.execPath, 'dist/cli/main.js', ...words]);
  }

  /** Runs a module that can import the product. */
  script(code: string): Promise<Outcome> {
    return this.run([process.execPath, '--input-type=module', '--eval', code]);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
