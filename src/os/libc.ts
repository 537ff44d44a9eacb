/**
 * The C library's calls that typetun makes, bound once per thread. Thin: each returns what the C
 * function returns; `errno()` is to be read straight after a failure. Pointers are plain numbers
 * (address.ts) on the packet path, typed arrays elsewhere.
 *
 * None of these may block for longer than `MAX_BLOCK_MS`: descriptors are non-blocking, waits are capped.
 */

import { getSystemErrorName } from 'node:util';
import { TunError, TunErrorCode } from '../errors.ts';
import { type FfiLibrary, ffi } from './ffi.ts';

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
  /** An advisory lock of the open file, which all of its descriptors have. */
  flock(fd: number, operation: number): number;
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
  /** `sendto` of memory at raw addresses: on the packet path. */
  sendPacket(
    fd: number,
    data: number,
    bytes: number,
    flags: number,
    address: number,
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
  /** Of the calling thread alone. */
  unshare(flags: number): number;
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

/** The C library's functions by the names they have here. */
const PROTOTYPES = {
  ioctl: 'int ioctl(int fd, ulong request, void *argument)',
  ioctlInt: 'int ioctl(int fd, ulong request, long argument)',
  read: 'int read(int fd, uintptr_t buffer, size_t bytes)',
  write: 'int write(int fd, uintptr_t buffer, size_t bytes)',
  readv: 'int readv(int fd, uintptr_t iovec, int count)',
  poll: 'int poll(void *fds, ulong count, int timeout)',
  close: 'int close(int fd)',
  fcntl: 'int fcntl(int fd, int command, int argument)',
  dup3: 'int dup3(int fd, int onto, int flags)',
  eventfd: 'int eventfd(uint initial, int flags)',
  socket: 'int socket(int family, int type, int protocol)',
  bind: 'int bind(int fd, void *address, uint bytes)',
  listen: 'int listen(int fd, int backlog)',
  flock: 'int flock(int fd, int operation)',
  connect: 'int connect(int fd, void *address, uint bytes)',
  getsockopt: 'int getsockopt(int fd, int level, int name, void *value, void *bytes)',
  getsockname: 'int getsockname(int fd, void *address, void *bytes)',
  setsockopt: 'int setsockopt(int fd, int level, int name, void *value, uint bytes)',
  sendto:
    'int sendto(int fd, void *data, size_t bytes, int flags, void *address, uint addressBytes)',
  sendPacket:
    'int sendto(int fd, uintptr_t data, size_t bytes, int flags, uintptr_t address, uint addressBytes)',
  recv: 'int recv(int fd, void *data, size_t bytes, int flags)',
  recvfrom:
    'int recvfrom(int fd, void *data, size_t bytes, int flags, void *address, void *addressBytes)',
  socketpair: 'int socketpair(int family, int type, int protocol, void *pair)',
  sendmsg: 'int sendmsg(int fd, void *message, int flags)',
  recvmsg: 'int recvmsg(int fd, void *message, int flags)',
  setns: 'int setns(int fd, int type)',
  unshare: 'int unshare(int flags)',
  ifNameToIndex: 'uint if_nametoindex(const char *name)',
  epollCreate: 'int epoll_create1(int flags)',
  epollControl: 'int epoll_ctl(int epfd, int operation, int fd, void *event)',
  epollWait: 'int epoll_wait(int epfd, void *events, int maxEvents, int timeout)',
} as const satisfies Partial<Record<keyof Libc, string>>;

/** Those that take more than a function of the C library. */
const MADE: {
  readonly [Name in Exclude<keyof Libc, keyof typeof PROTOTYPES>]: (
    bind: (prototype: string) => never,
  ) => Libc[Name];
} = {
  readCount: (bind) => {
    const read: Transfer = bind('int read(int fd, void *buffer, size_t bytes)');
    return (fd, count) => read(fd, count, COUNT_BYTES);
  },
  writeCount: (bind) => {
    const write: Transfer = bind('int write(int fd, void *buffer, size_t bytes)');
    return (fd, count) => write(fd, count, COUNT_BYTES);
  },
  accept: (bind) => {
    const accept: Accept = bind('int accept4(int fd, void *address, void *bytes, int flags)');
    return (fd, flags) => accept(fd, null, null, flags);
  },
  ioUringSetup: (bind) => {
    const setup: Setup = bind('int syscall(long number, uint entries, void *params)');
    return (entries, params) => setup(IO_URING_SETUP, entries, params);
  },
  ioUringEnter: (bind) => {
    const enter: Enter = bind(
      'int syscall(long number, int fd, uint submit, uint complete, uint flags, long sigset, long bytes)',
    );
    return (fd, submit, complete, flags) =>
      enter(IO_URING_ENTER, fd, submit, complete, flags, 0, 0);
  },
  errno: () => {
    const koffi = ffi();
    return () => koffi.errno();
  },
};

let bound: Libc | undefined;

/**
 * The C library, loaded at first use. Each of its functions is bound when it is first used: a worker
 * thread that is terminated while the FFI package binds one takes the process with it, so that no more
 * are bound than the thread needs.
 *
 * @throws TunError `NO_FFI` without the FFI package.
 */
export function libc(): Libc {
  bound ??= lazily(ffi().load(null));
  return bound;
}

/** Apart from {@link libc}, which would make an object for what the closures here share at every call. */
function lazily(library: FfiLibrary): Libc {
  const bind = (prototype: string): never => library.func(prototype) as never;
  const makers: Record<string, () => unknown> = {};
  for (const [name, prototype] of Object.entries(PROTOTYPES)) makers[name] = () => bind(prototype);
  for (const [name, make] of Object.entries(MADE)) makers[name] = () => make(bind);
  const getters = {};
  for (const [name, make] of Object.entries(makers)) {
    Object.defineProperty(getters, name, {
      get(this: object): unknown {
        const value = make();
        // From now on a property like any other, found without a call.
        Object.defineProperty(this, name, {
          value,
          enumerable: true,
          configurable: true,
          writable: true,
        });
        return value;
      },
    });
  }
  return Object.create(getters) as Libc;
}

/**
 * Binds all that is not bound yet. For a thread that attaches: a terminate() while the FFI package binds ends
 * the process, so that nothing is to be bound once it has attached.
 */
export function bindAll(): void {
  const c = libc();
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(c)))
    void c[name as keyof Libc];
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
  ECANCELED: 125,
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
