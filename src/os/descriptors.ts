/**
 * Descriptors that end with the thread that made them. Node closes what a worker thread has opened
 * through `fs` when the thread ends, also when it is terminated; it knows nothing of what a system
 * call made. So such a descriptor is moved onto the number of one that Node has opened.
 */

import { closeSync, openSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { TunError, TunErrorCode } from '../errors.ts';
import { Errno, errnoName, F_DUPFD_CLOEXEC, libc } from './libc.ts';

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
    return copyForThread(fd);
  } finally {
    libc().close(fd);
  }
}

/**
 * As {@link ownedByThread}, of an `fd` that stays open and whoever's it is.
 *
 * @throws TunError `SYSCALL`.
 */
export function ownedCopy(fd: number): number {
  if (!isMainThread) return copyForThread(fd);
  const copy = libc().fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) throw noDescriptor('fcntl', libc().errno());
  return copy;
}

/**
 * {@link ownedCopy} of each, or of none.
 *
 * @throws TunError `SYSCALL`.
 */
export function ownedCopies(fds: readonly number[]): number[] {
  const copies: number[] = [];
  try {
    for (const fd of fds) copies.push(ownedCopy(fd));
    return copies;
  } catch (error) {
    for (const copy of copies) closeOwned(copy);
    throw error;
  }
}

/** Closes a descriptor that {@link ownedByThread} or {@link ownedCopy} returned. */
export function closeOwned(fd: number): void {
  if (isMainThread) libc().close(fd);
  else closeSync(fd);
}

function copyForThread(fd: number): number {
  const owned = openPlaceholder();
  if (libc().dup3(fd, owned, O_CLOEXEC) >= 0) return owned;
  const errno = libc().errno();
  closeSync(owned);
  throw noDescriptor('dup3', errno);
}

function openPlaceholder(): number {
  try {
    return openSync(PLACEHOLDER, 'r');
  } catch (cause) {
    throw noDescriptor(`open(${PLACEHOLDER})`, Math.abs((cause as { errno?: number }).errno ?? 0));
  }
}

function noDescriptor(syscall: string, errno: number): TunError {
  const remedy =
    errno === Errno.EMFILE
      ? '; this process holds as many as it may: close some, or raise the limit ("ulimit -n")'
      : '';
  return new TunError(
    TunErrorCode.SYSCALL,
    `could not make another descriptor: ${syscall} failed with ${errnoName(errno)}${remedy}`,
    { syscall, errno },
  );
}
