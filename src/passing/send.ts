/** Hands an adapter to another process. */

import { Adapter } from '../adapter/adapter.ts';
import { isTunError, TunError, TunErrorCode } from '../errors.ts';
import { connectUnix } from '../os/unix-socket.ts';
import { Channel, closeAll } from './channel.ts';
import {
  type CheckedPassing,
  checkPassing,
  duplicate,
  type PassingOptions,
  requirePeer,
} from './options.ts';
import { Patience } from './patience.ts';

/** How long until it is tried again to connect where nobody listens yet, in ms. */
const RETRY_MS = 20;

/**
 * Hands an adapter to another process, which calls `receiveAdapter`: over a Unix socket go the descriptors of its
 * TUN device, and what the device looks like. When it resolves the other process has it, and the adapter here is
 * closed, its handles with it; the device was there all the time. What the system sends meanwhile is
 * dropped, and counted as `paused`.
 *
 * When it rejects before the other side has taken the adapter, the adapter goes on as it was. Once that side
 * has said so, this one closes, and then nothing brings it back.
 *
 * Rejects with TypeError or RangeError for the options; TunError `UNSUPPORTED` for an adapter in process, or in a
 * thread that did not create it; `FORCED_CLOSED` for one that is gone, or goes meanwhile, which then nobody
 * has; `INVALID_STATE` for one that another call is handing over; `HANDOVER` when nobody comes in time,
 * the peer is another user's, refuses, or ends; `NO_PRIVILEGE`; or with the signal's reason.
 */
export async function sendAdapter(adapter: Adapter, options: PassingOptions): Promise<void> {
  if (!(adapter instanceof Adapter)) throw new TypeError('sendAdapter takes an adapter');
  const checked = checkPassing(options, 'sendAdapter');
  using patience = new Patience(checked.timeoutMs, checked.signal, 'no process took the adapter');
  const loan = adapter.handOver();
  try {
    const channel = new Channel(await connection(checked, patience), patience);
    try {
      await pass(adapter, loan, channel);
    } finally {
      await channel.close();
    }
  } finally {
    loan.release();
  }
}

type Loan = ReturnType<Adapter['handOver']>;

async function pass(adapter: Adapter, loan: Loan, channel: Channel): Promise<void> {
  const wasRunning = adapter.state === 'Running';
  if (wasRunning) await adapter.pause();
  try {
    await channel.send({ type: 'offer', adapter: loan.description }, loan.fds);
    const { message, fds } = await channel.receive();
    closeAll(fds);
    if (message.type === 'refuse') throw refused(message.why);
    if (message.type !== 'ready') throw refused(`it said "${message.type}"`);
  } catch (error) {
    if (wasRunning) await adapter.restart().catch(ignoreGone);
    throw error;
  }
  loan.keepDevice();
  await adapter.close();
  await channel.send({ type: 'go' });
}

/** A socket with a peer of the right user. */
async function connection({ where, user }: CheckedPassing, patience: Patience): Promise<number> {
  for (;;) {
    const fd = 'fd' in where ? duplicate(where.fd) : connectUnix(where.path);
    if (fd === undefined) {
      await patience.pause(RETRY_MS);
      continue;
    }
    return requirePeer(fd, user);
  }
}

function ignoreGone(error: unknown): void {
  if (!isTunError(error, TunErrorCode.INVALID_STATE)) throw error;
}

function refused(why: string): TunError {
  return new TunError(TunErrorCode.HANDOVER, `the peer did not take the adapter: ${why}`);
}
