/** Runs a command in a network namespace whose only way out is an adapter of this program. */

import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { type Adapter, TunError, TunErrorCode } from '../index.ts';
import { adoptAdapter, Held } from './adopt.ts';
import { unstartedStatus } from './find-command.ts';
import { type Handover, Helper } from './helper.ts';
import { climb } from './ladder.ts';
import {
  type CheckedNamespaceOptions,
  checkNamespaceOptions,
  type NamespaceOptions,
  type NamespaceResult,
  type NamespaceRun,
  type Rung,
} from './options.ts';

/** Added to a signal's number, as shells do. */
const SIGNAL_STATUS = 128;

/** Is there where the kernel has network namespaces. */
const NAMESPACE = '/proc/self/ns/net';

/** A helper that has handed its adapter over and waits for the word to start the command. */
interface Ready {
  readonly helper: Helper;
  readonly handover: Handover;
}

/**
 * Starts `command` in a new network namespace (and, without privileges, a user namespace) with one
 * adapter, to which everything is routed, and hands the adapter to `onAdapter`. Resolves when the
 * command has ended, the adapter is closed, and what `onAdapter` returned has settled; whatever happens,
 * no process, namespace, descriptor or interface of it is left then, but what the command itself put
 * into the background. The command is killed when this process, or the thread that called, is gone, unless it
 * has changed its user or group (setpriv, su): then the system no longer ties it to this process.
 *
 * A command that does not start is no error: the result's `status` is 127 or 126, and `unstarted` says why.
 *
 * @throws TypeError or RangeError for wrong options; TunError `NETNS`, `NO_PRIVILEGE`, `NO_DRIVER`,
 * `UNSUPPORTED` when no rung of the ladder can be had, naming the remedy for each; `CONFIGURATION` for
 * what the kernel refuses; `HELPER` when the helper is gone, naming the step; what `onAdapter` throws,
 * and the reason of `signal`.
 */
export async function runInNamespace(options: NamespaceOptions): Promise<NamespaceResult> {
  const checked = checkNamespaceOptions(options);
  checked.signal?.throwIfAborted();
  if (!existsSync(NAMESPACE)) {
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      'a network of its own for a command takes network namespaces, which only Linux has (with /proc mounted)',
    );
  }
  const { rung, reason, got } = await climb(checked.rung, (wanted) => begin(wanted, checked));
  const { helper, handover } = got;
  try {
    using _held = new Held(handover);
    await using adapter = await adoptAdapter(handover, checked);
    return await conduct(helper, adapter, checked, { rung, reason });
  } finally {
    await helper.close();
  }
}

/** Brings a helper as far as it goes by itself. It is gone when this fails. */
async function begin(rung: Rung, options: CheckedNamespaceOptions): Promise<Ready> {
  const { addresses, routes, name, mtu, offload, ipv6LinkLocal, signal, dns } = options;
  const env = Object.entries(options.env).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${value}`],
  );
  const order = {
    link: rung === 'veth' ? ('veth' as const) : ('linux' as const),
    adapter: { addresses, routes, name, mtu, offload, ipv6LinkLocal },
    // Without any server it is an empty file: the command is to find none.
    ...(dns !== undefined && { resolver: dns.map((one) => `nameserver ${one}\n`).join('') }),
    argv: options.command,
    env,
    cwd: options.cwd,
  };
  const helper = new Helper(rung, order, options.stdio ?? 'inherit');
  const onAbort = (): boolean => helper.child.kill('SIGKILL');
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return { helper, handover: await helper.handover() };
  } catch (error) {
    await helper.close();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Has the packets moved and the command run, until both have ended. */
async function conduct(
  helper: Helper,
  adapter: Adapter,
  options: CheckedNamespaceOptions,
  chosen: Pick<NamespaceRun, 'rung' | 'reason'>,
): Promise<NamespaceResult> {
  const { child } = helper;
  const { signal } = options;
  const onAbort = (): boolean => child.kill('SIGTERM');
  const failures: unknown[] = [];
  const moving = move(options, adapter, runOf(helper, chosen)).catch((error: unknown) => {
    failures.push(error);
    child.kill('SIGKILL');
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    signal?.throwIfAborted();
    const failure = await helper.go();
    const { code, signal: killed } = await helper.ended;
    await adapter.close();
    await moving;
    signal?.throwIfAborted();
    if (failures.length > 0) throw failures[0];
    const status =
      failure !== undefined
        ? unstartedStatus(failure.errno ?? 0)
        : killed === null
          ? (code ?? 0)
          : SIGNAL_STATUS + constants.signals[killed];
    return { ...chosen, status, signal: killed, unstarted: failure?.message };
  } catch (error) {
    // The helper's end is only the consequence of what was asked for, or of what failed before.
    signal?.throwIfAborted();
    throw failures.length > 0 ? failures[0] : error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/** What the program does with the adapter; a synchronous throw is a rejection like any other. */
async function move(
  { onAdapter }: CheckedNamespaceOptions,
  adapter: Adapter,
  run: NamespaceRun,
): Promise<void> {
  await onAdapter(adapter, run);
}

function runOf(helper: Helper, chosen: Pick<NamespaceRun, 'rung' | 'reason'>): NamespaceRun {
  const { child, stderr } = helper;
  const { pid = 0, stdin, stdout } = child;
  return { ...chosen, pid, stdin, stdout, stderr, kill: (signal) => helper.kill(signal) };
}
