/**
 * An advisory lock on a file: one process has it, and the kernel takes it away when that process ends,
 * however it does.
 *
 * Source: flock(2); numbers from sys/file.h and fcntl.h of Linux.
 */

import { closeSync, constants, openSync } from 'node:fs';
import { Errno, libc, syscallError } from './libc.ts';

/** `LOCK_EX | LOCK_NB`. */
const EXCLUSIVE_NOW = 2 | 4;
const MODE = 0o600;

/**
 * Locks the file at `path`, which is made when it is not there; a symbolic link is not followed. Returns the
 * descriptor, whose closing unlocks it, and which is not inherited; undefined when another process has the
 * lock.
 *
 * @throws the error of Node.js when the file cannot be opened (ELOOP for a symbolic link); TunError `SYSCALL`.
 */
export function lockFile(path: string): number | undefined {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const fd = openSync(path, flags, MODE);
  if (libc().flock(fd, EXCLUSIVE_NOW) === 0) return fd;
  const errno = libc().errno();
  closeSync(fd);
  if (errno === Errno.EAGAIN) return undefined;
  throw syscallError('flock', errno, `lock ${path}`);
}
