/**
 * Readiness for threads whose loop libuv's symbols do not reach: a poller thread sits in
 * `epoll_wait`, at most 100 ms at a time, and posts the number of each descriptor that became
 * readable. Watches are one-shot in the kernel and armed again by their own thread after the
 * callback, so the poller never runs ahead of it. Costs a thread hop per wake-up, not per packet.
 */

import { Worker } from 'node:worker_threads';
import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { closeOwned, ownedByThread } from './descriptors.ts';
import { Errno, libc, syscallError } from './libc.ts';
import type { Poller, Watch } from './poll.ts';
import { workerUrl } from './worker-url.ts';

/** `EPOLL_CLOEXEC` (sys/epoll.h). */
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLLIN = 0x001;
const EPOLLONESHOT = 1 << 30;

/** Bytes of `struct epoll_event`: packed to 12 on x86-64, 16 elsewhere (sys/epoll.h). */
export const EPOLL_EVENT_BYTES: number = process.arch === 'x64' ? 12 : 16;
/** Offset of the user data in it. */
export const EPOLL_DATA_OFFSET: number = process.arch === 'x64' ? 4 : 8;

/** What the poller thread is started with. */
export interface PollerThreadData {
  readonly epollFd: number;
}

/** The poller of this thread. Its poller thread lives from the first watch to the end of the last. */
export function workerPoll(): Poller {
  let set: EpollSet | undefined;
  const prepared = (): EpollSet => {
    if (set === undefined || set.ended) set = new EpollSet();
    return set;
  };
  return {
    engine: 'poller-thread',
    watch: (fd, onReadable) => new WorkerWatch(prepared(), fd, onReadable),
    prepare: () => void prepared(),
  };
}

/** An epoll descriptor with its poller thread, which does not keep the process alive. */
class EpollSet {
  readonly fd: number;
  readonly watches = new Map<number, WorkerWatch>();
  readonly #thread: Worker;
  #ended = false;

  constructor() {
    const fd = libc().epollCreate(EPOLL_CLOEXEC);
    if (fd < 0) throw syscallError('epoll_create1', libc().errno(), 'make a poller');
    this.fd = ownedByThread(fd);
    const workerData: PollerThreadData = { epollFd: this.fd };
    this.#thread = new Worker(workerUrl('poller-thread', import.meta.url), { workerData });
    this.#thread.on('message', (fd: number) => this.watches.get(fd)?.fired());
    // Last: adding a listener refers to the thread again.
    this.#thread.unref();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Ends the poller thread and, when it no longer waits on it, the descriptor. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#thread.terminate();
    closeOwned(this.fd);
  }
}

class WorkerWatch implements Watch {
  readonly #set: EpollSet;
  readonly #fd: number;
  readonly #onReadable: () => void;
  readonly #event = new Uint8Array(EPOLL_EVENT_BYTES);
  #started = false;
  #closing: Promise<void> | undefined;

  constructor(set: EpollSet, fd: number, onReadable: () => void) {
    this.#set = set;
    this.#fd = fd;
    this.#onReadable = onReadable;
    new DataView(this.#event.buffer).setInt32(EPOLL_DATA_OFFSET, fd, HOST_LITTLE_ENDIAN);
    this.#control(EPOLL_CTL_ADD, EPOLLONESHOT);
    set.watches.set(fd, this);
  }

  start(): void {
    if (this.#started || this.#closing !== undefined) return;
    this.#started = true;
    this.#control(EPOLL_CTL_MOD, EPOLLIN | EPOLLONESHOT);
  }

  stop(): void {
    if (!this.#started) return;
    this.#started = false;
    // Not 0: errors are always reported, and without one-shot again and again.
    this.#control(EPOLL_CTL_MOD, EPOLLONESHOT);
  }

  /** The poller thread saw the descriptor readable; its registration is now disarmed. */
  fired(): void {
    if (!this.#started) return;
    this.#onReadable();
    if (this.#started) this.#control(EPOLL_CTL_MOD, EPOLLIN | EPOLLONESHOT);
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#started = false;
    this.#set.watches.delete(this.#fd);
    this.#control(EPOLL_CTL_DEL, 0);
    if (this.#set.watches.size === 0) await this.#set.end();
  }

  #control(operation: number, events: number): void {
    new DataView(this.#event.buffer).setUint32(0, events, HOST_LITTLE_ENDIAN);
    if (libc().epollControl(this.#set.fd, operation, this.#fd, this.#event) >= 0) return;
    const errno = libc().errno();
    // The owner may have closed the descriptor first: the kernel has then forgotten it already.
    if (operation !== EPOLL_CTL_ADD && (errno === Errno.EBADF || errno === Errno.ENOENT)) return;
    throw syscallError('epoll_ctl', errno, `watch descriptor ${this.#fd}`);
  }
}
