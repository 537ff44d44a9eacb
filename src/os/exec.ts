/**
 * What turns a Node process into another program: `execve` and what has to be put right before it,
 * since a new program inherits more than meets the eye. Threads are no obstacle: the kernel ends all but
 * the calling one.
 *
 * Source: execve(2), prctl(2), signal(7), mount(2) of Linux.
 */

import { chmodSync, constants as fileConstants, readdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ffi } from './ffi.ts';
import { libc, syscallError } from './libc.ts';

/** fcntl.h. */
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const F_GETFL = 3;
const F_SETFL = 4;
const { O_NONBLOCK } = fileConstants;
/** Standard input, output and error. */
const STANDARD_DESCRIPTORS = 3;
const STANDARD_ERROR = 2;

/** `SIG_SETMASK` (bits/sigaction.h), and bytes that hold any `sigset_t`. */
const SIG_SETMASK = 2;
const SIGSET_BYTES = 128;
/** The handler `SIG_DFL` (signal.h). */
const SIG_DFL = 0;
/** Signals are 1 to 64 (signal(7)). */
const LAST_SIGNAL = 64;

/** `PR_SET_PDEATHSIG` (linux/prctl.h). */
const PR_SET_PDEATHSIG = 1;

/** linux/mount.h, sys/mount.h. */
const MS_NOSUID = 0x2;
const MS_NODEV = 0x4;
const MS_NOEXEC = 0x8;
const MS_BIND = 0x1000;
const MNT_DETACH = 2;
const LAID_FILE = 'file';
/** Everybody reads it. */
const LAID_MODE = 0o644;

/**
 * Has the system kill this process as soon as the thread that started it is gone. It holds for the
 * program it turns into as well, unless that program gains privileges; and not any more once that changes
 * its user or group (setpriv, su): the kernel forgets it then, and only a process id namespace would not.
 *
 * @throws TunError `SYSCALL`.
 */
export function dieWithParent(): void {
  const prctl = bind('int prctl(int option, ulong signal, ulong a, ulong b, ulong c)');
  if (prctl(PR_SET_PDEATHSIG, constants.signals.SIGKILL, 0, 0, 0) === 0) return;
  throw syscallError('prctl', libc().errno(), 'tie this process to the one that started it');
}

/**
 * Has `target`, a file, be read as `text` in this process's mount namespace, by everybody. What holds the
 * text goes with the namespace: it is in no other. `folder` is any folder that is there, and `target`
 * not in it; something is laid over it for a moment.
 *
 * @throws TunError `SYSCALL`, or what Node says of writing a file; nothing is laid over either then.
 */
export function layFile(text: string, target: string, folder: string): void {
  mount('tmpfs', folder, 'tmpfs', MS_NOSUID | MS_NODEV | MS_NOEXEC);
  try {
    const file = join(folder, LAID_FILE);
    writeFileSync(file, text);
    // Whatever the umask: the command may be another user.
    chmodSync(file, LAID_MODE);
    mount(file, target, null, MS_BIND);
  } finally {
    const umount = bind('int umount2(const char *target, int flags)');
    umount(folder, MNT_DETACH);
  }
}

function mount(source: string, target: string, type: string | null, flags: number): void {
  const call = bind(
    'int mount(const char *source, const char *target, const char *type, ulong flags, void *data)',
  );
  if (call(source, target, type, flags, null) === 0) return;
  throw syscallError('mount', libc().errno(), `lay ${source} over ${target}`);
}

/**
 * Puts `from` in the place of standard error, and has the next program inherit the three standard
 * descriptors, blocking (Node marks them otherwise), and no other.
 *
 * @throws TunError `SYSCALL`.
 */
export function arrangeDescriptors(from: number): void {
  if (libc().dup3(from, STANDARD_ERROR, 0) < 0) {
    throw syscallError('dup3', libc().errno(), 'hand over standard error');
  }
  for (let fd = 0; fd < STANDARD_DESCRIPTORS; fd++) {
    libc().fcntl(fd, F_SETFD, 0);
    // Node's own streams are not blocking; hardly any other program expects that of its own.
    const flags = libc().fcntl(fd, F_GETFL, 0);
    if (flags >= 0) libc().fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
  }
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    // One of these is the listing itself, closed by now: no harm.
    if (fd >= STANDARD_DESCRIPTORS) libc().fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

/**
 * Gives every signal its default disposition and blocks none, as a program expects that a shell starts.
 * Node ignores SIGPIPE and blocks SIGUSR1. For the moment before {@link execute} alone.
 */
export function resetSignals(): void {
  const signal = bind('uintptr_t signal(int number, uintptr_t handler)');
  // Refused for SIGKILL, SIGSTOP and the C library's own: those are as they should be.
  for (let number = 1; number <= LAST_SIGNAL; number++) signal(number, SIG_DFL);
  const sigprocmask = bind('int sigprocmask(int how, void *set, void *old)');
  sigprocmask(SIG_SETMASK, new Uint8Array(SIGSET_BYTES), null);
}

/**
 * Turns this process into the program at `path`. Returns the error number, and only when it failed.
 *
 * `argv` begins with the program's name; `env` holds `NAME=value`.
 */
export function execute(path: string, argv: readonly string[], env: readonly string[]): number {
  const execve = bind('int execve(const char *path, const char **argv, const char **envp)');
  execve(path, [...argv, null], [...env, null]);
  return libc().errno();
}

function bind(prototype: string): (...args: unknown[]) => number {
  return ffi().load(null).func(prototype) as (...args: unknown[]) => number;
}
