/** Takes an adapter from another process. */

import { Adapter } from '../adapter/adapter.ts';
import type { ReceiveSettings } from '../adapter/handed-over.ts';
import { TunError, TunErrorCode } from '../errors.ts';
import { Channel, closeAll, type Received } from './channel.ts';
import { accepted } from './listening.ts';
import {
  type CheckedPassing,
  checkPassing,
  duplicate,
  type PassingOptions,
  requirePeer,
} from './options.ts';
import { Patience } from './patience.ts';

/** What `receiveAdapter` takes: where the processes meet, and how the adapter is to queue here. */
export type ReceiveOptions = PassingOptions & ReceiveSettings;

/**
 * Takes an adapter that another process hands over by `sendAdapter`. When it resolves the adapter runs here, on the same
 * device, and is closed there. Takes no right: what this process may not look at is as the sender said.
 *
 * Rejects with TypeError or RangeError for the options; TunError `HANDOVER` when none comes in time, or what comes is
 * not one; `NOT_TUN` for descriptors of something else; `NAME_TAKEN` for a path that exists; `NO_FFI`; or
 * with the signal's reason. Nothing is left open then, and no file at the path. At a path, peers of
 * other users are turned away, and the right one is waited for; `user` opens the socket's file to everybody, since
 * who comes is looked at, and its folder has to let him in. What ends while it waits and cannot clean up, as a
 * thread that is terminated or a process that is killed, leaves the file, which is to be removed.
 */
export async function receiveAdapter(options: ReceiveOptions): Promise<Adapter> {
  const checked = checkPassing(options, 'receiveAdapter');
  using patience = new Patience(checked.timeoutMs, checked.signal, 'no adapter came');
  const channel = new Channel(await connection(checked, patience), patience);
  try {
    return await take(channel, options);
  } finally {
    await channel.close();
  }
}

async function take(channel: Channel, options: ReceiveOptions): Promise<Adapter> {
  const received = await channel.receive();
  const adopting = adopt(received, options).finally(() => closeAll(received.fds));
  const adapter = await adopting.catch(async (error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    await channel.send({ type: 'refuse', why }).catch(() => {});
    throw error;
  });
  try {
    await channel.send({ type: 'ready' });
    const { message, fds } = await channel.receive();
    closeAll(fds);
    if (message.type !== 'go') throw unexpected(message.type);
    return adapter;
  } catch (error) {
    await adapter.close();
    throw error;
  }
}

async function adopt({ message, fds }: Received, options: ReceiveOptions): Promise<Adapter> {
  if (message.type !== 'offer') throw unexpected(message.type);
  if (fds.length === 0)
    throw new TunError(
      TunErrorCode.HANDOVER,
      'the peer offered an adapter without any descriptor of it',
    );
  return await Adapter.takeOver(fds, message.adapter, options);
}

/** A socket with a peer of the right user. */
async function connection({ where, user }: CheckedPassing, patience: Patience): Promise<number> {
  if ('path' in where) return await accepted(where.path, user, patience);
  return requirePeer(duplicate(where.fd), user);
}

function unexpected(type: string): TunError {
  return new TunError(
    TunErrorCode.HANDOVER,
    `the peer said "${type}" where something else belongs`,
  );
}
