/**
 * The C library's calls that the macOS link makes, bound once per thread. Thin, as libc.ts, from which it
 * is apart because the one binds what the other system lacks.
 *
 * `ioctl` and `fcntl` are declared with their ellipsis: on Apple silicon what stands in its place is
 * passed otherwise than named arguments, so each is given with its type.
 */

import { ffi } from './ffi.ts';

export interface Darwin {
  socket(family: number, type: number, protocol: number): number;
  connect(fd: number, address: Uint8Array, bytes: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /** `fcntl` with an integer argument. */
  fcntl(fd: number, command: number, argument: number): number;
  getsockopt(
    fd: number,
    level: number,
    name: number,
    value: Uint8Array,
    bytesInOut: Uint32Array,
  ): number;
  read(fd: number, bytes: Uint8Array, count: number): number;
  write(fd: number, bytes: Uint8Array, count: number): number;
  poll(pollfds: Uint8Array, count: number, timeoutMs: number): number;
  close(fd: number): number;
  ifNameToIndex(name: string): number;
  /** The calling thread's last error number. Read it before any other call. */
  errno(): number;
}

/** Error numbers that are handled by name (sys/errno.h of macOS). */
export const DarwinErrno = { EPERM: 1, ENOENT: 2, ENXIO: 6, EBUSY: 16 } as const;

let bound: Darwin | undefined;

/**
 * The C library, bound at first use.
 *
 * @throws TunError `NO_FFI` without the FFI package.
 */
export function darwin(): Darwin {
  bound ??= bindAll();
  return bound;
}

function bindAll(): Darwin {
  const koffi = ffi();
  const library = koffi.load(null);
  const bind = (prototype: string): never => library.func(prototype) as never;
  type Variadic = (fd: number, request: number, type: string, argument: unknown) => number;
  const ioctl: Variadic = bind('int ioctl(int fd, ulong request, ...)');
  const fcntl: Variadic = bind('int fcntl(int fd, int command, ...)');
  return {
    socket: bind('int socket(int family, int type, int protocol)'),
    connect: bind('int connect(int fd, void *address, uint bytes)'),
    ioctl: (fd, request, argument) => ioctl(fd, request, 'void *', argument),
    fcntl: (fd, command, argument) => fcntl(fd, command, 'int', argument),
    getsockopt: bind('int getsockopt(int fd, int level, int name, void *value, void *bytes)'),
    read: bind('int64 read(int fd, void *bytes, size_t count)'),
    write: bind('int64 write(int fd, void *bytes, size_t count)'),
    poll: bind('int poll(void *fds, uint count, int timeout)'),
    close: bind('int close(int fd)'),
    ifNameToIndex: bind('uint if_nametoindex(const char *name)'),
    errno: () => koffi.errno(),
  };
}
