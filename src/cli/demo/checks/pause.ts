/** A pause in the middle of a TCP transfer: nothing passes, nothing is lost for good. */

import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Adapter } from '../../../index.ts';
import type { Check, PauseResult } from '../result.ts';
import type { KernelCheck } from './context.ts';
import { TcpTransfer } from './tcp.ts';

/** Bytes of the transfer that is paused: 32 MiB. */
const TRANSFER_BYTES = 32 * 1024 * 1024;
/** Bytes that have arrived when the pause begins. */
const PAUSE_AT_BYTES = 4 * 1024 * 1024;
/** How long it lasts. Longer than TCP's first retransmission timeout of 200 ms (RFC 6298 allows 1 s). */
const PAUSE_MS = 400;
/** Datagrams sent meanwhile, so that something is offered whatever TCP does. */
const PROBES = 20;
/** `discard` (RFC 863). */
const PROBE_PORT = 9;
/** How often progress is looked at. */
const POLL_MS = 1;

/** Packets that have passed the adapter, both ways. */
export function passed(adapter: Adapter): number {
  const { packetsRead, packetsWritten } = adapter.statistics.bundles;
  return packetsRead + packetsWritten;
}

/** Packets the host sent that were dropped for being paused, by us or by its own full queue. */
export function offered(adapter: Adapter): number {
  const { drops, hostDrops } = adapter.statistics;
  return drops.paused + hostDrops;
}

/** Runs the check. */
export async function checkPause(context: KernelCheck, adapter: Adapter): Promise<Check> {
  const transfer = new TcpTransfer(context, { bytes: TRANSFER_BYTES, seconds: 0 });
  const running = transfer.run();
  // A failure surfaces where the transfer is awaited, also when that is not reached.
  running.catch(() => undefined);
  await reached(transfer, PAUSE_AT_BYTES, running);
  const offeredBefore = offered(adapter);
  await adapter.pause();
  const pausedAt = performance.now();
  const passedBefore = passed(adapter);
  const pausing = { at: 0, delivered: 0 };
  try {
    await probe(context);
    pausing.delivered = passed(adapter) - passedBefore;
    pausing.at = transfer.received;
  } finally {
    await adapter.restart();
  }
  const restartedAt = performance.now();
  await reached(transfer, pausing.at + 1, running);
  const resumedAfterMs = Math.round(performance.now() - restartedAt);
  const { sha256Match, bytes } = await running;
  const result: PauseResult = {
    pausedMs: Math.round(restartedAt - pausedAt),
    offeredWhilePaused: offered(adapter) - offeredBefore,
    deliveredWhilePaused: pausing.delivered,
    resumedAfterMs,
    recovered: sha256Match && bytes >= TRANSFER_BYTES,
  };
  return { name: 'pause', ok: isPauseOk(result), ...result };
}

/** Something was held back, nothing passed, and it all went on afterwards. */
export function isPauseOk(result: PauseResult): boolean {
  return result.recovered && result.offeredWhilePaused > 0 && result.deliveredWhilePaused === 0;
}

/** Waits until so many bytes have arrived; fails when the transfer does. */
async function reached(
  transfer: TcpTransfer,
  bytes: number,
  running: Promise<unknown>,
): Promise<void> {
  let ended = false;
  const end = running.finally(() => {
    ended = true;
  });
  while (transfer.received < bytes && !ended) await Promise.race([sleep(POLL_MS), end]);
}

/** Sends datagrams into the pause, spread over its length. */
async function probe(context: KernelCheck): Promise<void> {
  const socket = createSocket(context.local.includes(':') ? 'udp6' : 'udp4');
  try {
    for (let i = 0; i < PROBES; i++) {
      socket.send('typetun', PROBE_PORT, context.remote, () => undefined);
      await sleep(PAUSE_MS / PROBES, undefined, { signal: context.signal });
    }
  } finally {
    socket.close();
  }
}
