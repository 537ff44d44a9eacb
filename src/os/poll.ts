/**
 * Readiness of descriptors on this thread's event loop, without libuv's thread pool.
 *
 * On the main thread `uv_poll` (uv-poll.ts) where the runtime exports libuv's symbols; elsewhere an
 * io_uring that tells the event loop (ring-poll.ts), and where there is none, one poller thread per
 * thread that watches (worker-poll.ts). All are level-triggered and never keep the event loop alive: `keep-alive.ts` does that.
 */

import { isMainThread } from 'node:worker_threads';
import { ringPoll } from './ring-poll.ts';
import { uvPoll } from './uv-poll.ts';
import { workerPoll } from './worker-poll.ts';

/** A descriptor that is watched. The descriptor stays its owner's and must outlive the watch. */
export interface Watch {
  /** Calls back, from the event loop, while the descriptor is readable. Idempotent. */
  start(): void;
  /** No callback after this returns. Idempotent. */
  stop(): void;
  /** Ends the watch; when it resolves the descriptor may be closed. Safe to call twice. */
  close(): Promise<void>;
}

/** Makes watches for one thread. */
export interface Poller {
  /** What does the polling, for `adapter.properties`. */
  readonly engine: 'uv-poll' | 'ring-poll' | 'poller-thread';
  watch(fd: number, onReadable: () => void): Watch;
  /**
   * Starts what it needs, if it needs anything: a thread it starts stays in the namespaces that the
   * calling thread is in at that moment.
   */
  prepare(): void;
}

let chosen: Poller | undefined;

/**
 * The poller of this thread, chosen at first use.
 *
 * @throws TunError `NO_FFI` without the FFI package.
 */
export function poller(): Poller {
  chosen ??= (isMainThread ? uvPoll() : undefined) ?? ringPoll() ?? workerPoll();
  return chosen;
}

/** Watches `fd` for reading: `poller().watch`. The callback does synchronous work only. */
export function watchReadable(fd: number, onReadable: () => void): Watch {
  return poller().watch(fd, onReadable);
}
