/**
 * Unix stream sockets that Node has no part in, since descriptors travel over them (fd-passing.ts):
 * libuv reads a socket as soon as it has it, and closes what it was not asked for.
 *
 * Source: unix(7); numbers from sys/socket.h and sys/un.h of Linux.
 */

import { chmodSync } from 'node:fs';
import { TunError, TunErrorCode } from '../errors.ts';
import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { Errno, errnoName, libc, syscallError } from './libc.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
/** `SOCK_NONBLOCK | SOCK_CLOEXEC`. */
const SOCK_FLAGS = 0o2004000;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERGROUPS = 59;
/** `struct ucred`: process, user, group. */
const UCRED_BYTES = 12;
const UCRED_USER = 4;
const UCRED_GROUP = 8;
const GROUP_BYTES = 4;
/** Groups a user can be in at most: `NGROUPS_MAX` (linux/limits.h). */
const MAX_GROUPS = 65_536;
/** `struct sockaddr_un`: the family, and at most so many bytes of path with its terminating zero. */
const PATH_OFFSET = 2;
const MAX_PATH_BYTES = 108;
/** Whoever waits to be accepted, by default; more are refused for the moment. */
const BACKLOG = 8;
/** Read and write, for the user alone: connecting takes the right to write. */
const USER_ONLY = 0o600;
/** Who connected, as this user namespace numbers users and groups. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** How a socket listens. */
export interface ListenOptions {
  /** Mode of its file. Connecting takes the right to write. Default 0600. */
  readonly mode?: number;
  /** How many may wait to be accepted. Default 8. */
  readonly backlog?: number;
}

/** In front of a name that is no file's: Linux's abstract namespace. */
const ABSTRACT = '\0';

/**
 * A socket that listens at `path`, where by default nobody but this user, and root, may connect; a path that
 * begins with `\0` is no file's, and there everybody may. The caller closes it, and removes the file.
 *
 * @throws RangeError for a path that is too long; TunError `NAME_TAKEN` when it exists, `SYSCALL`.
 */
export function listenUnix(
  path: string,
  { mode = USER_ONLY, backlog = BACKLOG }: ListenOptions = {},
): number {
  const address = socketAddress(path);
  const fd = unixSocket();
  let bound = libc().bind(fd, address, address.length);
  const errno = bound < 0 ? libc().errno() : 0;
  try {
    if (errno === Errno.EADDRINUSE) throw taken(path);
    if (bound < 0) throw syscallError('bind', errno, `listen at "${shown(path)}"`);
    // Nobody can connect before it listens.
    if (!path.startsWith(ABSTRACT)) chmodSync(path, mode);
    bound = libc().listen(fd, backlog);
    if (bound < 0) throw syscallError('listen', libc().errno(), `listen at "${shown(path)}"`);
    return fd;
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/**
 * Connects to whoever listens at `path`. Returns undefined when nobody does, or has too many waiting.
 *
 * @throws RangeError for a path that is too long; TunError `NO_PRIVILEGE` when this user may not,
 * `SYSCALL`.
 */
export function connectUnix(path: string): number | undefined {
  const address = socketAddress(path);
  const fd = unixSocket();
  if (libc().connect(fd, address, address.length) === 0) return fd;
  const errno = libc().errno();
  libc().close(fd);
  const nobody: number[] = [Errno.ENOENT, Errno.ECONNREFUSED, Errno.EAGAIN];
  if (nobody.includes(errno)) return undefined;
  if (errno !== Errno.EACCES) throw syscallError('connect', errno, `connect to "${shown(path)}"`);
  throw new TunError(
    TunErrorCode.NO_PRIVILEGE,
    `this user may not connect to "${shown(path)}" (${errnoName(errno)}); it takes the user that listens there, or root`,
    { syscall: 'connect', errno },
  );
}

/** The next connection of a socket that listens; undefined when there is none now. */
export function acceptUnix(fd: number): number | undefined {
  const accepted = libc().accept(fd, SOCK_FLAGS);
  return accepted < 0 ? undefined : accepted;
}

/**
 * The user who connected, or, of a connection that was made from here, who listens. As this user namespace
 * numbers users.
 *
 * @throws TunError `SYSCALL` when it is no Unix socket.
 */
export function peerUser(fd: number): number {
  return peerCredentials(fd).uid;
}

/**
 * Who connected, at the time he did: it may be another program, and another user's, that has the socket now.
 *
 * @throws TunError `SYSCALL` when it is no Unix socket.
 */
export function peerCredentials(fd: number): PeerCredentials {
  const credentials = new Uint8Array(UCRED_BYTES);
  const length = new Uint8Array(Uint32Array.of(UCRED_BYTES).buffer);
  if (libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length) < 0) {
    throw syscallError('getsockopt(SO_PEERCRED)', libc().errno(), 'ask who the peer is');
  }
  const view = new DataView(credentials.buffer);
  return {
    pid: view.getInt32(0, HOST_LITTLE_ENDIAN),
    uid: view.getUint32(UCRED_USER, HOST_LITTLE_ENDIAN),
    gid: view.getUint32(UCRED_GROUP, HOST_LITTLE_ENDIAN),
  };
}

/**
 * The supplementary groups of who connected (since Linux 4.13). The one that {@link peerCredentials} says need
 * not be among them.
 *
 * @throws TunError `SYSCALL` when it is no Unix socket, or the kernel cannot tell.
 */
export function peerGroups(fd: number): number[] {
  const groups = new Uint32Array(MAX_GROUPS);
  const bytes = new Uint8Array(groups.buffer);
  const length = Uint32Array.of(bytes.length);
  const inOut = new Uint8Array(length.buffer);
  if (libc().getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, bytes, inOut) < 0) {
    throw syscallError(
      'getsockopt(SO_PEERGROUPS)',
      libc().errno(),
      'ask for the groups of the peer',
    );
  }
  return Array.from(groups.subarray(0, length[0]! / GROUP_BYTES));
}

function unixSocket(): number {
  const fd = libc().socket(AF_UNIX, SOCK_STREAM | SOCK_FLAGS, 0);
  if (fd < 0) throw syscallError('socket', libc().errno(), 'make a socket');
  return fd;
}

/**
 * A `struct sockaddr_un`; a path that begins with `\0` is of the abstract namespace.
 *
 * @throws RangeError for a path that is too long.
 */
export function socketAddress(path: string): Uint8Array {
  const bytes = new TextEncoder().encode(path);
  if (bytes.length >= MAX_PATH_BYTES) {
    throw new RangeError(
      `the path "${shown(path)}" has ${bytes.length} bytes; a socket's has at most ${MAX_PATH_BYTES - 1}`,
    );
  }
  // The terminating zero belongs to a file's name, but not to an abstract one.
  const address = new Uint8Array(PATH_OFFSET + bytes.length + (path.startsWith(ABSTRACT) ? 0 : 1));
  new DataView(address.buffer).setUint16(0, AF_UNIX, HOST_LITTLE_ENDIAN);
  address.set(bytes, PATH_OFFSET);
  return address;
}

function taken(path: string): TunError {
  return new TunError(
    TunErrorCode.NAME_TAKEN,
    `"${shown(path)}" exists already; choose another path, or remove it if whoever listened there is gone`,
    { syscall: 'bind', errno: Errno.EADDRINUSE },
  );
}

/** As `ss` shows it. */
function shown(path: string): string {
  return path.replace(ABSTRACT, '@');
}
