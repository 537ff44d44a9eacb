/**
 * Where a thread sleeps until the kernel has packets or another thread wakes it: one `poll` on the
 * device and on an eventfd of its own.
 *
 * A thread may end at any moment, and its descriptors with it, whose numbers then come to stand for
 * something else. So nobody writes to the number that another thread has published: each makes a
 * descriptor of its own of it, once, and looks what that really is, and then whether the thread is still
 * there. (What that leaves is a thread that has closed its descriptors and is about to end, while somebody
 * makes an eventfd that gets both its numbers: that one counts one too many.) All of them end with the
 * thread that made them, so nothing is left behind whoever ends last.
 */

import { MAX_BLOCK_MS, MAX_PARTICIPANTS } from '../../limits.ts';
import { closeOwned, ownedByThread } from '../../os/descriptors.ts';
import { eventFdIdentity, makeEventFd, NO_EVENTFD, UNNUMBERED } from '../../os/event-fd.ts';
import { F_DUPFD_CLOEXEC, libc } from '../../os/libc.ts';
import type { Liveness } from '../../sync/participants.ts';
import { HOST_LITTLE_ENDIAN } from '../../wire/bundle.ts';
import type { TunMemory } from './tun-memory.ts';

/** `struct pollfd` (poll.h): descriptor, events asked for, events returned. */
const POLLFD_BYTES = 8;
const POLLFD_EVENTS = 4;
const POLLFD_RETURNED = 6;
const POLLIN = 0x001;
/** An eventfd is read and written in 8 bytes (eventfd(2)). */
const COUNT_BYTES = 8;

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);
const NONE = -1;

export class Parking {
  readonly #shared: TunMemory;
  readonly #liveness: Liveness;
  /** The device, and the eventfd. */
  readonly #pollfds = new DataView(new ArrayBuffer(2 * POLLFD_BYTES));
  readonly #bytes = new Uint8Array(this.#pollfds.buffer);
  readonly #count = new Uint8Array(COUNT_BYTES);
  /** This thread's eventfd, and what it is published as. */
  #own = NONE;
  #ownStamp = 0;
  #participant = 0;
  /** This thread's descriptors of the others' eventfds, and what those were published as. */
  readonly #fds = new Int32Array(MAX_PARTICIPANTS).fill(NONE);
  readonly #stamps = new Int32Array(MAX_PARTICIPANTS);
  #closed = false;

  /** Sleeps on the device `fd`; wakes those that `liveness` says are there. */
  constructor(fd: number, shared: TunMemory, liveness: Liveness) {
    this.#shared = shared;
    this.#liveness = liveness;
    this.#watch(0, fd);
  }

  /** See `ParkingPlace.park`. Without other threads (not shared) nobody can wake this one. */
  park(participant: number, words: Int32Array, index: number, timeoutMs: number): void {
    const alone = !this.#shared.shared;
    if (!alone && this.#own === NONE) this.#publish(participant);
    // Only now: who wakes us sets the word first and then looks for the eventfd.
    if (Atomics.load(words, index) !== 1) return;
    // Below zero, poll would wait for ever.
    const ms = Math.ceil(Math.min(Math.max(timeoutMs, 0), MAX_BLOCK_MS));
    const ready = libc().poll(this.#bytes, alone ? 1 : 2, ms);
    if (ready <= 0 || alone) return;
    const returned = this.#pollfds.getInt16(POLLFD_BYTES + POLLFD_RETURNED, HOST_LITTLE_ENDIAN);
    if (returned !== 0) libc().readCount(this.#own, this.#count);
  }

  /**
   * See `ParkingPlace.unpark`. Where the eventfd cannot be had (no descriptors left, or its thread ended)
   * the wait ends by itself, after `MAX_BLOCK_MS` at most.
   */
  unpark(participant: number): void {
    const stamp = this.#shared.eventStamp(participant);
    if (stamp === 0 || this.#closed) return;
    if (this.#stamps[participant] !== stamp) this.#lend(participant, stamp);
    const fd = this.#fds[participant]!;
    if (fd !== NONE) libc().writeCount(fd, ONE);
  }

  /** That thread has ended: its number is to be free for the next. */
  forget(participant: number): void {
    this.#shared.withdrawEvent(participant, this.#shared.eventStamp(participant));
    this.#release(participant);
  }

  /** This thread parks no more and wakes nobody. Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (let i = 0; i < MAX_PARTICIPANTS; i++) this.#release(i);
    if (this.#own === NONE) return;
    this.#shared.withdrawEvent(this.#participant, this.#ownStamp);
    closeOwned(this.#own);
  }

  #publish(participant: number): void {
    const fd = makeEventFd();
    const identity = eventFdIdentity(fd);
    this.#own = fd;
    this.#participant = participant;
    this.#watch(1, fd);
    // What the others could not tell from anything else stays unknown to them.
    if (identity === NO_EVENTFD) return;
    this.#ownStamp = identity === UNNUMBERED ? this.#shared.nextStamp() : identity;
    this.#shared.publishEvent(participant, fd, this.#ownStamp);
  }

  /** Makes a descriptor of this thread's own of that participant's eventfd, if that is what it still is. */
  #lend(participant: number, stamp: number): void {
    this.#release(participant);
    const fd = libc().fcntl(this.#shared.eventFd(participant), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return;
    const identity = eventFdIdentity(fd);
    const right = identity === (stamp < 0 ? UNNUMBERED : stamp);
    if (!right || !this.#liveness.isAlive(participant)) {
      libc().close(fd);
      return;
    }
    this.#fds[participant] = ownedByThread(fd);
    this.#stamps[participant] = stamp;
  }

  #release(participant: number): void {
    const fd = this.#fds[participant]!;
    this.#fds[participant] = NONE;
    this.#stamps[participant] = 0;
    if (fd !== NONE) closeOwned(fd);
  }

  #watch(which: number, fd: number): void {
    this.#pollfds.setInt32(which * POLLFD_BYTES, fd, HOST_LITTLE_ENDIAN);
    this.#pollfds.setInt16(which * POLLFD_BYTES + POLLFD_EVENTS, POLLIN, HOST_LITTLE_ENDIAN);
  }
}
