/**
 * What a thread waits for of a device with several queues: one descriptor, readable while any of the
 * queues in it has packets. An epoll set, which is only ever polled.
 */

import { closeOwned, ownedByThread } from '../../os/descriptors.ts';
import { libc, syscallError } from '../../os/libc.ts';
import { EPOLL_EVENT_BYTES } from '../../os/worker-poll.ts';
import { HOST_LITTLE_ENDIAN } from '../../wire/bundle.ts';

/** `EPOLL_CLOEXEC`, operations and events of epoll_ctl (sys/epoll.h). */
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 0x001;

export class QueueSet {
  /** Of this thread; to be polled, and not to be read. */
  readonly fd: number;
  readonly #fds: readonly number[];
  readonly #event = new Uint8Array(EPOLL_EVENT_BYTES);
  #queues = 0;
  #open = true;

  /**
   * Without any queue. `fds` are those of all queues, by number; they stay the caller's.
   *
   * @throws TunError `SYSCALL`.
   */
  constructor(fds: readonly number[]) {
    const fd = libc().epollCreate(EPOLL_CLOEXEC);
    if (fd < 0) throw syscallError('epoll_create1', libc().errno(), 'wait for several queues');
    this.fd = ownedByThread(fd);
    this.#fds = fds;
    new DataView(this.#event.buffer).setUint32(0, EPOLLIN, HOST_LITTLE_ENDIAN);
  }

  /** Makes it these queues, one bit each. Whoever polls meanwhile is woken as they are from then on. */
  change(queues: number): void {
    if (!this.#open) return;
    const changed = queues ^ this.#queues;
    this.#queues = queues;
    for (const [queue, fd] of this.#fds.entries()) {
      const bit = 1 << queue;
      if ((changed & bit) === 0) continue;
      const operation = (queues & bit) === 0 ? EPOLL_CTL_DEL : EPOLL_CTL_ADD;
      if (libc().epollControl(this.fd, operation, fd, this.#event) >= 0) continue;
      throw syscallError('epoll_ctl', libc().errno(), `wait for queue ${queue}`);
    }
  }

  /** Once nobody polls it. Safe to call twice. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeOwned(this.fd);
  }
}
