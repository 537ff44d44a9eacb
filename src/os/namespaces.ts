/**
 * Network namespaces of this thread. A descriptor made inside (a TUN, a netlink socket) stays in the
 * namespace it was made in, so a short visit is all that creation needs.
 */

import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { TunError, TunErrorCode } from '../errors.ts';
import { Errno, errnoName, libc } from './libc.ts';

/** Where `ip netns` keeps its names. */
const NETNS_DIRECTORY = '/var/run/netns';
/** The network namespace of the calling thread. */
const PRESENT_NAMESPACE = '/proc/thread-self/ns/net';
/** `CLONE_NEWNET` (linux/sched.h): makes setns refuse anything but a network namespace. */
const CLONE_NEWNET = 0x40000000;

/**
 * Runs `visit` with the calling thread in the network namespace `netns`, a name as `ip netns` uses
 * it or a path, and comes back. `visit` must be synchronous: other work of the thread would
 * otherwise run in the wrong namespace. With `netns` undefined it just runs.
 *
 * @throws TunError `NETNS` when the namespace does not exist or may not be entered.
 */
export function inNetworkNamespace<T>(netns: string | undefined, visit: () => T): T {
  if (netns === undefined) return visit();
  const path = netns.includes('/') ? netns : `${NETNS_DIRECTORY}/${netns}`;
  const target = openNamespace(path, netns);
  try {
    return inNamespace(target, netns, visit);
  } finally {
    closeSync(target);
  }
}

/**
 * As {@link inNetworkNamespace}, in the namespace that `target` is a descriptor of; it stays the
 * caller's. `netns` is what messages call it.
 *
 * @throws TunError `NETNS`.
 */
export function inNamespace<T>(target: number, netns: string, visit: () => T): T {
  const home = openNamespace(PRESENT_NAMESPACE, 'the present namespace');
  try {
    enter(target, netns);
    try {
      return visit();
    } finally {
      enter(home, 'the namespace this thread came from');
    }
  } finally {
    closeSync(home);
  }
}

/**
 * Makes a network namespace and returns a descriptor of it, which the caller closes; the calling thread
 * stays where it is. It lasts as long as anything holds it: a descriptor of it, or a socket in it.
 *
 * @throws TunError `NETNS` when that is refused.
 */
export function makeNetworkNamespace(): number {
  const home = openNamespace(PRESENT_NAMESPACE, 'the present namespace');
  try {
    if (libc().unshare(CLONE_NEWNET) < 0) throw refused(libc().errno());
    try {
      return openNamespace(PRESENT_NAMESPACE, 'the new namespace');
    } finally {
      enter(home, 'the namespace this thread came from');
    }
  } finally {
    closeSync(home);
  }
}

/** Whether `target`, a descriptor of a namespace, is of the one this thread is in. */
export function isPresentNamespace(target: number): boolean {
  const present = statSync(PRESENT_NAMESPACE, { bigint: true });
  const other = fstatSync(target, { bigint: true });
  return present.ino === other.ino && present.dev === other.dev;
}

function openNamespace(path: string, netns: string): number {
  try {
    // Not blocking: the path may be a pipe that nobody writes to.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw new TunError(
      TunErrorCode.NETNS,
      `network namespace "${netns}" cannot be opened at ${path}; give a name that "ip netns list" shows or the path of a namespace file`,
      { cause },
    );
  }
}

function refused(errno: number): TunError {
  const remedy =
    errno === Errno.EPERM
      ? 'that takes CAP_SYS_ADMIN: run as root, or in a user namespace of your own'
      : 'see user.max_net_namespaces (sysctl), and unshare(2)';
  return new TunError(
    TunErrorCode.NETNS,
    `no network namespace could be made: ${errnoName(errno)}; ${remedy}`,
    { syscall: 'unshare', errno },
  );
}

function enter(fd: number, netns: string): void {
  if (libc().setns(fd, CLONE_NEWNET) === 0) return;
  const errno = libc().errno();
  const remedy =
    errno === Errno.EPERM
      ? 'that takes CAP_SYS_ADMIN: run as root'
      : errno === Errno.EINVAL
        ? 'the file is no network namespace'
        : 'see setns(2)';
  throw new TunError(
    TunErrorCode.NETNS,
    `network namespace "${netns}" cannot be entered: ${errnoName(errno)}; ${remedy}`,
    { syscall: 'setns', errno },
  );
}
