/**
 * Where a thread sleeps until the kernel has packets or another thread wakes it: one `poll` on the
 * device and on an eventfd of its own.
 */

import { MAX_BLOCK_MS } from '../../limits.ts';
import { libc, syscallError } from '../../os/libc.ts';
import { HOST_LITTLE_ENDIAN } from '../../wire/bundle.ts';
import type { TunMemory } from './tun-memory.ts';

/** `struct pollfd` (poll.h): descriptor, events asked for, events returned. */
const POLLFD_BYTES = 8;
const POLLFD_EVENTS = 4;
const POLLFD_RETURNED = 6;
const POLLIN = 0x001;
/** `EFD_NONBLOCK | EFD_CLOEXEC` (sys/eventfd.h). */
const EVENTFD_FLAGS = 0o2004000;
/** An eventfd is read and written in 8 bytes (eventfd(2)). */
const COUNT_BYTES = 8;

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

export class Parking {
  readonly #shared: TunMemory;
  /** The device, and the eventfd. */
  readonly #pollfds = new DataView(new ArrayBuffer(2 * POLLFD_BYTES));
  readonly #bytes = new Uint8Array(this.#pollfds.buffer);
  readonly #count = new Uint8Array(COUNT_BYTES);

  constructor(fd: number, shared: TunMemory) {
    this.#shared = shared;
    this.#watch(0, fd);
  }

  /** See `ParkingPlace.park`. Without other threads (not shared) nobody can wake this one. */
  park(participant: number, words: Int32Array, index: number, timeoutMs: number): void {
    const alone = !this.#shared.shared;
    const event = alone ? 0 : this.#eventFd(participant);
    if (!alone) this.#watch(1, event);
    // Only now: who wakes us sets the word first and then looks for the eventfd.
    if (Atomics.load(words, index) !== 1) return;
    // Below zero, poll would wait for ever.
    const ms = Math.ceil(Math.min(Math.max(timeoutMs, 0), MAX_BLOCK_MS));
    const ready = libc().poll(this.#bytes, alone ? 1 : 2, ms);
    if (ready <= 0 || alone) return;
    const returned = this.#pollfds.getInt16(POLLFD_BYTES + POLLFD_RETURNED, HOST_LITTLE_ENDIAN);
    if (returned !== 0) libc().readCount(event, this.#count);
  }

  /** See `ParkingPlace.unpark`. */
  unpark(participant: number): void {
    const fd = this.#shared.eventFd(participant);
    if (fd > 0) libc().writeCount(fd, ONE);
  }

  #eventFd(participant: number): number {
    const known = this.#shared.eventFd(participant);
    if (known > 0) return known;
    const fd = libc().eventfd(0, EVENTFD_FLAGS);
    if (fd < 0) throw syscallError('eventfd', libc().errno(), 'make a wake-up descriptor');
    this.#shared.setEventFd(participant, fd);
    return fd;
  }

  #watch(which: number, fd: number): void {
    this.#pollfds.setInt32(which * POLLFD_BYTES, fd, HOST_LITTLE_ENDIAN);
    this.#pollfds.setInt16(which * POLLFD_BYTES + POLLFD_EVENTS, POLLIN, HOST_LITTLE_ENDIAN);
  }
}
