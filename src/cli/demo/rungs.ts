/** Which link the demo takes, from the best down, and the process in a user namespace that one of them needs. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Adapter, isTunError, kernelLink, TunErrorCode } from '../../index.ts';
import { dieWithParent } from '../../os/exec.ts';
import { bringLoopbackUp } from '../../os/loopback.ts';
import { workerUrl } from '../../os/worker-url.ts';
import { SIGNAL_EXIT_BASE } from '../errors.ts';
import { SignalForwarding } from '../forwarding.ts';

/** The links of `--link`, `auto` apart. */
export type DemoLink = 'linux' | 'windows' | 'rootless' | 'veth' | 'memory';

/** Links for which the demo runs in a user namespace. */
export type InsideLink = Extract<DemoLink, 'rootless' | 'veth'>;

export function isInside(link: DemoLink): link is InsideLink {
  return link === 'rootless' || link === 'veth';
}

/** A link, and why it is this one. */
export interface Choice {
  readonly link: DemoLink;
  readonly reason: string;
}

/** What says that this machine, or this user, cannot have the kernel's link. */
const NOT_HERE: readonly string[] = [
  TunErrorCode.NO_PRIVILEGE,
  TunErrorCode.NO_DRIVER,
  TunErrorCode.NO_FFI,
  TunErrorCode.UNSUPPORTED,
];

/**
 * The first link that can be had: the kernel's, on Linux the same in a user namespace, or a veth pair there, the
 * one in process.
 *
 * @throws whatever else is wrong with the kernel's.
 */
export async function chooseLink(): Promise<Choice> {
  const kernel = kernelLink();
  // The link for macOS sets no addresses, and the demo is nothing without.
  if (kernel !== 'linux' && kernel !== 'windows') {
    const reason = 'the demo knows the kernels of Linux and Windows alone';
    return { link: 'memory', reason };
  }
  const closed = await whyKernelIsClosed(kernel);
  if (closed === undefined) {
    const reason = 'this process may create network devices (--link memory runs in process)';
    return { link: kernel, reason };
  }
  if (kernel === 'windows') {
    return { link: 'memory', reason: `the kernel's link cannot be had: ${closed}` };
  }
  const refused = await whyNoNamespace('rootless');
  if (refused === undefined)
    return { link: 'rootless', reason: `in a user namespace, since ${closed}` };
  const without = await whyNoNamespace('veth');
  if (without === undefined) {
    return { link: 'veth', reason: `over a veth pair in a user namespace, since ${refused}` };
  }
  const why = `the kernel's link cannot be had: ${closed}; nor in a user namespace: ${refused}`;
  // Where namespaces are refused both say the same.
  const reason = without === refused ? why : `${why}; nor over a veth pair there: ${without}`;
  return { link: 'memory', reason };
}

async function whyKernelIsClosed(link: 'linux' | 'windows'): Promise<string | undefined> {
  try {
    await (await Adapter.create({ link })).close();
    return undefined;
  } catch (error) {
    if (!isTunError(error) || !NOT_HERE.includes(error.code)) throw error;
    return error.message;
  }
}

/** Tries it out; the reason when it does not work. */
export async function whyNoNamespace(rung: InsideLink): Promise<string | undefined> {
  const { runInNamespace } = await import('../../run.ts');
  try {
    const nothing = { onAdapter: () => undefined, stdio: 'ignore' } as const;
    const { unstarted } = await runInNamespace({ command: ['true'], rung, ...nothing });
    return unstarted;
  } catch (error) {
    if (!isTunError(error)) throw error;
    return error.message;
  }
}

/** Runs the demo in a process in a user and network namespace of its own; returns its exit status. */
export async function runInside(
  { link, reason }: Choice,
  words: readonly string[],
): Promise<number> {
  const main = fileURLToPath(workerUrl('../main', import.meta.url));
  const demo = [process.execPath, main, 'demo', '--link', link, '--inside', reason, ...words];
  const child = spawn('unshare', ['-U', '-r', '-n', ...demo], { stdio: 'inherit' });
  using _forwarding = new SignalForwarding(
    (signal) => void child.kill(signal),
    () => false,
  );
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal === null ? code! : SIGNAL_EXIT_BASE + constants.signals[signal];
}

/** Makes the namespace that this process was started in by {@link runInside} fit for the demo. */
export function settleInside(): void {
  dieWithParent();
  bringLoopbackUp();
}
