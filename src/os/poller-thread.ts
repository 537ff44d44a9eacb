/** The poller thread of worker-poll.ts: waits in the kernel, posts what became readable. */

import { parentPort, workerData } from 'node:worker_threads';
import { MAX_BLOCK_MS } from '../limits.ts';
import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { libc } from './libc.ts';
import {
  BEGUN,
  END,
  EPOLL_DATA_OFFSET,
  EPOLL_EVENT_BYTES,
  type PollerThreadData,
} from './worker-poll.ts';

/** Descriptors reported per system call. */
const MAX_EVENTS = 64;

const { epollFd } = workerData as PollerThreadData;
const { epollWait } = libc();
const events = new Uint8Array(MAX_EVENTS * EPOLL_EVENT_BYTES);
const view = new DataView(events.buffer);

/** One wait, then a turn of this thread's own loop, so that it can be terminated. */
function turn(): void {
  const ready = epollWait(epollFd, events, MAX_EVENTS, MAX_BLOCK_MS);
  for (let i = 0; i < ready; i++) {
    const fd = view.getInt32(i * EPOLL_EVENT_BYTES + EPOLL_DATA_OFFSET, HOST_LITTLE_ENDIAN);
    // Nothing else keeps this thread.
    if (fd === END) return;
    parentPort?.postMessage(fd);
  }
  setImmediate(turn);
}

parentPort?.postMessage(BEGUN);
turn();
