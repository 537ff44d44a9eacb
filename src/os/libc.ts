/**
 * The C library's calls that typetun makes, bound once per thread. Thin: each returns what the C
 * function returns; `errno()` is to be read straight after a failure. Pointers are plain numbers
 * (address.ts) on the packet path, typed arrays elsewhere.
 *
 * None of these may block for longer than `MAX_BLOCK_MS`: descriptors are non-blocking, waits are capped.
 */

import { getSystemErrorName } from 'node:util';
import { TunError, TunErrorCode } from '../errors.ts';
import { ffi } from './ffi.ts';

export interface Libc {
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /** `ioctl` whose argument is a plain integer in the pointer's place. */
  ioctlInt(fd: number, request: number, argument: number): number;
  read(fd: number, address: number, bytes: number): number;
  write(fd: number, address: number, bytes: number): number;
  readv(fd: number, iovecAddress: number, count: number): number;
  poll(pollfds: Uint8Array, count: number, timeoutMs: number): number;
  close(fd: number): number;
  /** `fcntl` with an integer argument. */
  fcntl(fd: number, command: number, argument: number): number;
  dup3(fd: number, onto: number, flags: number): number;
  eventfd(initial: number, flags: number): number;
  /** `read` and `write` of an eventfd: 8 bytes. */
  readCount(fd: number, count: Uint8Array): number;
  writeCount(fd: number, count: Uint8Array): number;
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, bytes: number): number;
  listen(fd: number, backlog: number): number;
  /** `accept4` without the peer's address. */
  accept(fd: number, flags: number): number;
  connect(fd: number, address: Uint8Array, bytes: number): number;
  getsockopt(
    fd: number,
    level: number,
    name: number,
    value: Uint8Array,
    bytesInOut: Uint8Array,
  ): number;
  getsockname(fd: number, address: Uint8Array, bytesInOut: Uint8Array): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, bytes: number): number;
  sendto(
    fd: number,
    data: Uint8Array,
    bytes: number,
    flags: number,
    address: Uint8Array | null,
    addressBytes: number,
  ): number;
  recv(fd: number, data: Uint8Array, bytes: number, flags: number): number;
  recvfrom(
    fd: number,
    data: Uint8Array,
    bytes: number,
    flags: number,
    address: Uint8Array | null,
    addressBytesInOut: Uint8Array | null,
  ): number;
  /** `pair` receives the two descriptors, 4 bytes each. */
  socketpair(family: number, type: number, protocol: number, pair: Uint8Array): number;
  /** `message` is a `struct msghdr` (fd-passing.ts). */
  sendmsg(fd: number, message: Uint8Array, flags: number): number;
  recvmsg(fd: number, message: Uint8Array, flags: number): number;
  setns(fd: number, type: number): number;
  /** Index of the interface in the thread's network namespace; 0 when there is none. */
  ifNameToIndex(name: string): number;
  epollCreate(flags: number): number;
  epollControl(epollFd: number, operation: number, fd: number, event: Uint8Array): number;
  epollWait(epollFd: number, events: Uint8Array, maxEvents: number, timeoutMs: number): number;
  /** `io_uring_setup`; `params` is a `struct io_uring_params`. */
  ioUringSetup(entries: number, params: Uint32Array): number;
  ioUringEnter(fd: number, submit: number, complete: number, flags: number): number;
  /** The calling thread's last error number. Read it before any other call. */
  errno(): number;
}

type Transfer = (fd: number, bytes: Uint8Array, count: number) => number;

type Accept = (fd: number, address: null, bytes: null, flags: number) => number;

type Setup = (number: number, entries: number, params: Uint32Array) => number;
type Enter = (
  number: number,
  fd: number,
  submit: number,
  complete: number,
  flags: number,
  sigset: number,
  bytes: number,
) => number;

/**
 * System calls that the C library has no functions for; these numbers are all architectures'. They return
 * a `long`, which koffi makes an object of, and nothing that an `int` does not hold.
 */
const IO_URING_SETUP = 425;
const IO_URING_ENTER = 426;

/** Bytes of an eventfd's count (eventfd(2)). */
const COUNT_BYTES = 8;

/** Commands of fcntl, and the flag of F_SETFD (fcntl.h). */
export const F_DUPFD_CLOEXEC = 1030;
export const F_GETFD = 1;
export const F_SETFD = 2;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const FD_CLOEXEC = 1;

let bound: Libc | undefined;

/**
 * The C library, bound at first use.
 *
 * @throws TunError `NO_FFI` without the FFI package.
 */
export function libc(): Libc {
  bound ??= bindAll();
  return bound;
}

/** Apart from {@link libc}, which would make an object for what the closures here share at every call. */
function bindAll(): Libc {
  const koffi = ffi();
  const library = koffi.load(null);
  const bind = (prototype: string): never => library.func(prototype) as never;
  const readBytes: Transfer = bind('int read(int fd, void *buffer, size_t bytes)');
  const writeBytes: Transfer = bind('int write(int fd, void *buffer, size_t bytes)');
  const accept: Accept = bind('int accept4(int fd, void *address, void *bytes, int flags)');
  const setup = bind('int syscall(long number, uint entries, void *params)') as Setup;
  const enter = bind(
    'int syscall(long number, int fd, uint submit, uint complete, uint flags, long sigset, long bytes)',
  ) as Enter;
  return {
    ioctl: bind('int ioctl(int fd, ulong request, void *argument)'),
    ioctlInt: bind('int ioctl(int fd, ulong request, long argument)'),
    read: bind('int read(int fd, uintptr_t buffer, size_t bytes)'),
    write: bind('int write(int fd, uintptr_t buffer, size_t bytes)'),
    readv: bind('int readv(int fd, uintptr_t iovec, int count)'),
    poll: bind('int poll(void *fds, ulong count, int timeout)'),
    close: bind('int close(int fd)'),
    fcntl: bind('int fcntl(int fd, int command, int argument)'),
    dup3: bind('int dup3(int fd, int onto, int flags)'),
    eventfd: bind('int eventfd(uint initial, int flags)'),
    readCount: (fd, count) => readBytes(fd, count, COUNT_BYTES),
    writeCount: (fd, count) => writeBytes(fd, count, COUNT_BYTES),
    socket: bind('int socket(int family, int type, int protocol)'),
    bind: bind('int bind(int fd, void *address, uint bytes)'),
    listen: bind('int listen(int fd, int backlog)'),
    accept: (fd, flags) => accept(fd, null, null, flags),
    connect: bind('int connect(int fd, void *address, uint bytes)'),
    getsockopt: bind('int getsockopt(int fd, int level, int name, void *value, void *bytes)'),
    getsockname: bind('int getsockname(int fd, void *address, void *bytes)'),
    setsockopt: bind('int setsockopt(int fd, int level, int name, void *value, uint bytes)'),
    sendto: bind(
      'int sendto(int fd, void *data, size_t bytes, int flags, void *address, uint addressBytes)',
    ),
    recv: bind('int recv(int fd, void *data, size_t bytes, int flags)'),
    recvfrom: bind(
      'int recvfrom(int fd, void *data, size_t bytes, int flags, void *address, void *addressBytes)',
    ),
    socketpair: bind('int socketpair(int family, int type, int protocol, void *pair)'),
    sendmsg: bind('int sendmsg(int fd, void *message, int flags)'),
    recvmsg: bind('int recvmsg(int fd, void *message, int flags)'),
    setns: bind('int setns(int fd, int type)'),
    ifNameToIndex: bind('uint if_nametoindex(const char *name)'),
    epollCreate: bind('int epoll_create1(int flags)'),
    epollControl: bind('int epoll_ctl(int epfd, int operation, int fd, void *event)'),
    epollWait: bind('int epoll_wait(int epfd, void *events, int maxEvents, int timeout)'),
    ioUringSetup: (entries, params) => setup(IO_URING_SETUP, entries, params),
    ioUringEnter: (fd, submit, complete, flags) =>
      enter(IO_URING_ENTER, fd, submit, complete, flags, 0, 0),
    errno: () => koffi.errno(),
  };
}

/** Error numbers that are handled by name. Linux values (asm-generic/errno*.h). */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  ENOEXEC: 8,
  EBADF: 9,
  EAGAIN: 11,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  ENOTDIR: 20,
  EINVAL: 22,
  EBADFD: 77,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ECONNREFUSED: 111,
} as const;

/** The error's symbolic name, such as `EPERM`; its number in words where it has none. */
export function errnoName(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `error ${errno}`;
  }
}

/** Makes the error for a system call that failed. `doing` completes "could not ...". */
export function syscallError(
  syscall: string,
  errno: number,
  doing: string,
  code: TunErrorCode = TunErrorCode.SYSCALL,
): TunError {
  return new TunError(code, `could not ${doing}: ${syscall} failed with ${errnoName(errno)}`, {
    syscall,
    errno,
  });
}
