/** Where and with whom an adapter is handed over, checked. */

import { TunError, TunErrorCode } from '../errors.ts';
import { F_DUPFD_CLOEXEC, libc, syscallError } from '../os/libc.ts';
import { peerUser } from '../os/unix-socket.ts';

/** What {@link sendAdapter} and {@link receiveAdapter} both take. Either `path` or `fd`. */
export interface PassingOptions {
  /**
   * Path of a Unix socket at which the receiver listens and to which the sender connects, in any order.
   * One that begins with `\0` is no file's.
   */
  readonly path?: string;
  /**
   * Number of a connected Unix stream socket that Node does not read, such as an inherited one. It stays the
   * caller's. (A `net.Socket` cannot receive descriptors: libuv reads it and closes them.)
   */
  readonly fd?: number;
  /** A user (number) besides this process's own, and root, whom the peer may be. Default: nobody. */
  readonly user?: number;
  /** How long it may take in all, in ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** Ends it; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Options with every default filled in. */
export interface CheckedPassing {
  readonly where: { readonly path: string } | { readonly fd: number };
  readonly user: number | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/** The longest a timer takes. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const MAX_DESCRIPTOR = 2 ** 31 - 1;
const MAX_USER = 2 ** 32 - 2;

/** @throws TypeError or RangeError naming the option, its value, and what would do. */
export function checkPassing(options: PassingOptions, caller: string): CheckedPassing {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${caller} takes an object of options, not ${String(options)}`);
  }
  const { path, fd, user, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
  if ((path === undefined) === (fd === undefined)) {
    throw new TypeError(`${caller} takes a path or an fd: where the two processes meet`);
  }
  if (path !== undefined && (typeof path !== 'string' || path === '')) {
    throw new TypeError(`path is ${JSON.stringify(path)}; give the path of a Unix socket`);
  }
  if (fd !== undefined) checkNumber('fd', fd, MAX_DESCRIPTOR);
  if (user !== undefined) checkNumber('user', user, MAX_USER);
  checkNumber('timeoutMs', timeoutMs, MAX_TIMEOUT_MS);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`signal is ${typeof signal}; give the signal of an AbortController`);
  }
  const where = path === undefined ? { fd: fd! } : { path };
  return { where, user, timeoutMs, signal };
}

function checkNumber(name: string, value: number, most: number): void {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} is ${typeof value}; give a number from 0 to ${most}`);
  }
  if (Number.isInteger(value) && value >= 0 && value <= most) return;
  throw new RangeError(`${name} is ${value}; give a whole number from 0 to ${most}`);
}

/**
 * A descriptor of our own for the caller's socket: the number may be used by others meanwhile, and a
 * descriptor can be watched once only.
 *
 * @throws TunError `HANDOVER` when it is not open.
 */
export function duplicate(fd: number): number {
  const own = libc().fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (own >= 0) return own;
  throw syscallError('fcntl', libc().errno(), `use descriptor ${fd}`, TunErrorCode.HANDOVER);
}

/**
 * Returns `fd`, a connected socket, if its peer is one to hand over to or take from; closes it otherwise.
 *
 * @throws TunError `HANDOVER`.
 */
export function requirePeer(fd: number, user: number | undefined): number {
  let peer: number;
  try {
    peer = peerUser(fd);
  } catch (cause) {
    libc().close(fd);
    throw new TunError(
      TunErrorCode.HANDOVER,
      `descriptor ${fd} is no connected Unix socket; give one, or a path`,
      { cause },
    );
  }
  if (peer === 0 || peer === process.geteuid?.() || peer === user) return fd;
  libc().close(fd);
  throw new TunError(
    TunErrorCode.HANDOVER,
    `the peer runs as user ${peer}, and not as this user or root; if that is right, say so ("user: ${peer}")`,
  );
}
