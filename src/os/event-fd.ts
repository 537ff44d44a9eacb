/**
 * Eventfds, by which threads wake each other: made to end with their thread, and told from whatever else
 * their number may have come to stand for.
 *
 * Source: eventfd(2); proc_pid_fdinfo(5): `eventfd-count`, and `eventfd-id` since Linux 5.2.
 */

import { readFileSync } from 'node:fs';
import { ownedByThread } from './descriptors.ts';
import { libc, syscallError } from './libc.ts';

/** `EFD_NONBLOCK | EFD_CLOEXEC` (sys/eventfd.h). */
const EVENTFD_FLAGS = 0o2004000;
const IS_EVENTFD = /^eventfd-count:/m;
const ID = /^eventfd-id:\s*(\d+)/m;

/** What a descriptor is that is no eventfd, or of which nothing can be told. */
export const NO_EVENTFD = -1;
/** What an eventfd is on a kernel that does not number them. */
export const UNNUMBERED = 0;

/**
 * Makes an eventfd that ends with this thread at the latest; to be closed by `closeOwned`.
 *
 * @throws TunError `SYSCALL`.
 */
export function makeEventFd(): number {
  const fd = libc().eventfd(0, EVENTFD_FLAGS);
  if (fd < 0) throw syscallError('eventfd', libc().errno(), 'make a wake-up descriptor');
  return ownedByThread(fd);
}

/**
 * Which eventfd the descriptor stands for: a number from 1 up that no other has while it exists;
 * {@link UNNUMBERED}, or {@link NO_EVENTFD}. Asks the system: some 20 us.
 */
export function eventFdIdentity(fd: number): number {
  try {
    const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
    if (!IS_EVENTFD.test(info)) return NO_EVENTFD;
    const id = ID.exec(info)?.[1];
    return id === undefined ? UNNUMBERED : Number(id) + 1;
  } catch {
    return NO_EVENTFD;
  }
}
