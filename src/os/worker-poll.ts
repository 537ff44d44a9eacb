/**
 * Readiness for threads whose loop libuv's symbols do not reach: a poller thread sits in
 * `epoll_wait`, at most 100 ms at a time, and posts the number of each descriptor that became
 * readable. Watches are one-shot in the kernel and armed again by their own thread after the
 * callback, so the poller never runs ahead of it. Costs a thread hop per wake-up, not per packet.
 */

import { once } from 'node:events';
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

/** `EFD_NONBLOCK | EFD_CLOEXEC` (sys/eventfd.h). */
const EVENTFD_FLAGS = 0o2004000;
/** What is written to an eventfd: a count of 8 bytes (eventfd(2)). */
const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

/** Bytes of `struct epoll_event`: packed to 12 on x86-64, 16 elsewhere (sys/epoll.h). */
export const EPOLL_EVENT_BYTES: number = process.arch === 'x64' ? 12 : 16;
/** Offset of the user data in it. */
export const EPOLL_DATA_OFFSET: number = process.arch === 'x64' ? 4 : 8;

/** What the poller thread posts when it has begun. No descriptor has this number. */
export const BEGUN = -1;
/** What its events say in place of a descriptor when it is to end. */
export const END = -2;

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

/**
 * An epoll descriptor with its poller thread, which does not keep the process alive but for the some
 * 50 ms in which it starts, and is never terminated by us: the FFI package ends the whole process
 * when its thread is terminated, or its parent ends, while it binds functions.
 */
class EpollSet {
  readonly fd: number;
  readonly watches = new Map<number, WorkerWatch>();
  readonly #thread: Worker;
  /** An eventfd, which is written to when the thread is to end. */
  readonly #end: number;
  #ended = false;

  constructor() {
    const fd = libc().epollCreate(EPOLL_CLOEXEC);
    if (fd < 0) throw syscallError('epoll_create1', libc().errno(), 'make a poller');
    this.fd = ownedByThread(fd);
    try {
      this.#end = this.#watchEnd();
    } catch (error) {
      closeOwned(this.fd);
      throw error;
    }
    const workerData: PollerThreadData = { epollFd: this.fd };
    this.#thread = new Worker(workerUrl('poller-thread', import.meta.url), { workerData });
    this.#thread.on('message', (fd: number) => {
      if (fd !== BEGUN) this.watches.get(fd)?.fired();
      else if (!this.#ended) this.#thread.unref();
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Ends the poller thread and, when it no longer waits on them, the descriptors. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#thread.ref();
    const over = once(this.#thread, 'exit');
    libc().writeCount(this.#end, ONE);
    await over;
    closeOwned(this.fd);
    closeOwned(this.#end);
  }

  #watchEnd(): number {
    const fd = libc().eventfd(0, EVENTFD_FLAGS);
    if (fd < 0) throw syscallError('eventfd', libc().errno(), 'make a poller');
    const end = ownedByThread(fd);
    const event = createEvent(END, EPOLLIN);
    if (libc().epollControl(this.fd, EPOLL_CTL_ADD, end, event) >= 0) return end;
    const errno = libc().errno();
    closeOwned(end);
    throw syscallError('epoll_ctl', errno, 'make a poller');
  }
}

/** A `struct epoll_event`. */
function createEvent(data: number, events = 0): Uint8Array {
  const event = new Uint8Array(EPOLL_EVENT_BYTES);
  const view = new DataView(event.buffer);
  view.setUint32(0, events, HOST_LITTLE_ENDIAN);
  view.setInt32(EPOLL_DATA_OFFSET, data, HOST_LITTLE_ENDIAN);
  return event;
}

class WorkerWatch implements Watch {
  readonly #set: EpollSet;
  readonly #fd: number;
  readonly #onReadable: () => void;
  readonly #event: Uint8Array;
  #started = false;
  #closing: Promise<void> | undefined;

  constructor(set: EpollSet, fd: number, onReadable: () => void) {
    this.#set = set;
    this.#fd = fd;
    this.#onReadable = onReadable;
    this.#event = createEvent(fd);
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
