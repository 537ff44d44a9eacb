/**
 * Descriptors that end with the thread that made them. Node closes what a worker thread has opened
 * through `fs` when the thread ends, also when it is terminated; it knows nothing of what a system
 * call made. So such a descriptor is moved onto the number of one that Node has opened.
 */

import { closeSync, openSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { libc, syscallError } from './libc.ts';

/** Anything that always opens. */
const PLACEHOLDER = '/dev/null';
/** `O_CLOEXEC` (fcntl.h). */
const O_CLOEXEC = 0o2000000;

/**
 * Returns a descriptor for what `fd` stands for that ends with this thread at the latest; `fd` is
 * used up. To be closed by {@link closeOwned}.
 *
 * @throws TunError `SYSCALL`; `fd` is closed then.
 */
export function ownedByThread(fd: number): number {
  if (isMainThread) return fd;
  try {
    const owned = openSync(PLACEHOLDER, 'r');
    if (libc().dup3(fd, owned, O_CLOEXEC) >= 0) return owned;
    const errno = libc().errno();
    closeSync(owned);
    throw syscallError('dup3', errno, 'give a descriptor to this thread');
  } finally {
    libc().close(fd);
  }
}

/** Closes a descriptor that {@link ownedByThread} returned. */
export function closeOwned(fd: number): void {
  if (isMainThread) libc().close(fd);
  else closeSync(fd);
}
