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

/** Runs `use` with a namespace that exists as long as it runs. */
export async function withNetns<T>(use: (netns: string) => Promise<T>): Promise<T> {
  const netns = await addNetns();
  try {
    return await use(netns);
  } finally {
    await deleteNetns(netns);
  }
}
