/** Network namespaces for tests: uniquely named, deleted afterwards, made with the system's `ip`. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
let made = 0;

export { rootSkip } from '../../support/root.ts';

/** Runs `ip` with these arguments and returns what it printed. */
export async function ip(...args: string[]): Promise<string> {
  const { stdout } = await run('ip', args);
  return stdout;
}

/** Makes a namespace with its loopback up; returns its name. */
export async function addNetns(): Promise<string> {
  const name = `tt-${process.pid}-${made++}`;
  await run('ip', ['netns', 'add', name]);
  await run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  return name;
}

export async function deleteNetns(name: string): Promise<void> {
  await run('ip', ['netns', 'delete', name]);
}

/**
 * Waits until the kernel has acted on the carrier of an interface whose device was just opened. It does so
 * in a thread of its own, and drops what is sent before, which on a busy machine is some ms.
 */
export async function carrierSeen(netns: string, name: string): Promise<void> {
  const deadline = performance.now() + 5000;
  while (/state DOWN/.test(await ip('-n', netns, '-o', 'link', 'show', name))) {
    if (performance.now() > deadline) throw new Error(`${name} stays down`);
  }
}

/**
 * Whether the last TUN of the namespace goes within reason. What a ring of a process that has ended still refers
 * to, the kernel releases in a thread of its own.
 */
export async function tunsGone(netns: string): Promise<boolean> {
  const deadline = performance.now() + 5000;
  while ((await ip('-n', netns, '-o', 'link', 'show', 'type', 'tun')) !== '') {
    if (performance.now() > deadline) return false;
  }
  return true;
}

/** Runs `use` with a namespace that exists as long as it runs. */
export async function withNetns<T>(use: (netns: string) => Promise<T>): Promise<T> {
  const netns = await addNetns();
  try {
    return await use(netns);
  } finally {
    await deleteNetns(netns);
  }
}
