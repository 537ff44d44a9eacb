/**
 * The helper: a program by itself (protocol.ts). It wakes up in the new namespaces, makes the adapter
 * there, hands it over, and turns into the command, so that process id, signals and exit status are the
 * command's own.
 */

import { openSync, readFileSync, realpathSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import { Adapter, isTunError } from '../index.ts';
import { arrangeDescriptors, dieWithParent, layFile, resetSignals } from '../os/exec.ts';
import { bringLoopbackUp } from '../os/loopback.ts';
import { awaitOperation } from '../os/operational.ts';
import { ControlSocket } from './control-socket.ts';
import { becomeCommand, unstartedReason, unstartedStatus } from './find-command.ts';
import {
  type Failure,
  GO,
  HelperDescriptor,
  type HelperMessage,
  type Order,
  type Step,
} from './protocol.ts';

/** Where programs look for their DNS servers (resolv.conf(5)). */
const RESOLVER_FILE = '/etc/resolv.conf';
/** Is there, and has no RESOLVER_FILE in it. */
const ANY_FOLDER = '/tmp';
/** The network namespace that this is in. */
const OWN_NAMESPACE = '/proc/self/ns/net';
/** Exit status when a step failed: the program is told which one. */
const FAILED = 1;
/** How long the command waits at most for its interface; as a rule it is some ms at most. */
const OPERATION_MS = 1000;

const control = new ControlSocket(HelperDescriptor.CONTROL);

function tell(message: HelperMessage, fds: readonly number[] = []): void {
  control.send(message, fds);
}

function step(name: Step): void {
  tell({ kind: 'step', step: name });
}

/** Does everything; ends by turning into the command, or by throwing. */
async function main(): Promise<void> {
  dieWithParent();
  const order = JSON.parse(readFileSync(HelperDescriptor.ORDER, 'utf8')) as Order;
  // It may have died before that was asked for.
  if (process.ppid !== order.parent) process.exit(FAILED);
  step('bringing the loopback interface up');
  bringLoopbackUp();
  step('making the adapter');
  const adapter = await Adapter.create({ ...order.adapter, link: order.link });
  if (order.resolver !== undefined) {
    step('laying the DNS configuration over /etc/resolv.conf');
    layFile(order.resolver, realpathSync(RESOLVER_FILE), ANY_FOLDER);
  }
  step('handing the adapter over');
  const { name, mtu, addresses } = adapter;
  tell({ kind: 'ready', info: { name, mtu, addresses } }, descriptorsOf(adapter));
  step('waiting for the program');
  if (control.await() !== GO) process.exit(FAILED);
  // A program that has opened a device is there to get what the command sends first.
  awaitOperation(name, OPERATION_MS);
  step('starting the command');
  turnInto(order);
}

/**
 * That of the adapter. The program that gets it keeps the device when this one lets go of it. A veth
 * device goes with its namespace, and that with the command, unless it is held: by the second.
 */
function descriptorsOf(adapter: Adapter): readonly number[] {
  const { link } = adapter.share().token;
  if (link.kind !== 'linux') return [];
  return link.medium === 'tun' ? link.fds : [...link.fds, openSync(OWN_NAMESPACE, 'r')];
}

function turnInto(order: Order): void {
  process.chdir(order.cwd);
  arrangeDescriptors(HelperDescriptor.STDERR);
  resetSignals();
  const errno = becomeCommand(order.argv, order.env);
  const message = unstartedReason(order.argv[0]!, errno);
  tell({ kind: 'failed', failure: { message, syscall: 'execve', errno } });
  process.exit(unstartedStatus(errno));
}

function failureOf(error: unknown): Failure {
  const message = messageOf(error);
  if (error instanceof TypeError) return { message, argument: 'TypeError' };
  if (error instanceof RangeError) return { message, argument: 'RangeError' };
  if (!isTunError(error)) return { message };
  const { code, syscall, errno } = error;
  return { message, code, ...(syscall && { syscall }), ...(errno !== undefined && { errno }) };
}

main().catch((error: unknown) => {
  tell({ kind: 'failed', failure: failureOf(error) });
  process.exit(FAILED);
});
