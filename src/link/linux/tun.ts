/** `/dev/net/tun`: making a TUN device. */

import { closeSync, constants, openSync } from 'node:fs';
import { TunError, TunErrorCode } from '../../errors.ts';
import { Errno, errnoName, libc } from '../../os/libc.ts';
import type { Segmentation } from '../link.ts';
import { grantedOffload, setGroup, setInterface, setOwner, TunFlag } from './tun-requests.ts';

/** The clone device. */
export const TUN_CLONE_DEVICE = '/dev/net/tun';

/** A TUN device as this process holds it. */
export interface Tun {
  /**
   * Non-blocking descriptors, one for each hardware queue; closing the last removes the device. All
   * queues are attached.
   */
  readonly fds: readonly number[];
  /** The interface's name, as the kernel chose or confirmed it. */
  readonly name: string;
  /** Kinds of super-packets it hands over; without any there are no virtio-net headers either. */
  readonly segmentation: readonly Segmentation[];
}

/** What a TUN device is made with. */
export interface TunOptions {
  /** Interface name, or undefined for the kernel's next `tun%d`. */
  readonly name?: string | undefined;
  /** Whether packets come with virtio-net headers, and super-packets as far as granted. Default false. */
  readonly offload?: boolean;
  /** Hardware queues. Default 1. */
  readonly queues?: number;
  /** User, and group, who may attach to it later. Default: none. */
  readonly owner?: number | undefined;
  readonly group?: number | undefined;
}

/**
 * Makes a TUN device in the thread's present network namespace.
 *
 * @throws TunError `NO_DRIVER`, `NO_PRIVILEGE`, `NAME_TAKEN`, or `SYSCALL`.
 */
export function createTun(options: TunOptions): Tun {
  const { name: wanted, offload = false, queues = 1, owner, group } = options;
  const fds: number[] = [];
  const flags =
    TunFlag.TUN |
    TunFlag.NO_PI |
    (offload ? TunFlag.VNET_HDR : 0) |
    (queues > 1 ? TunFlag.MULTI_QUEUE : 0);
  try {
    const name = openQueue(fds, wanted, flags | TunFlag.TUN_EXCL);
    while (fds.length < queues) openQueue(fds, name, flags);
    if (owner !== undefined && !setOwner(fds[0]!, owner)) throw ownerError('owner', owner);
    if (group !== undefined && !setGroup(fds[0]!, group)) throw ownerError('group', group);
    return { fds, name, segmentation: offload ? grantedOffload(fds[0]!) : [] };
  } catch (error) {
    for (const fd of fds) closeSync(fd);
    throw error;
  }
}

/** Opens one queue of a device more, its first with TUN_EXCL; returns the device's name. */
function openQueue(fds: number[], wanted: string | undefined, flags: number): string {
  const fd = openCloneDevice();
  fds.push(fd);
  const name = setInterface(fd, wanted, flags);
  if (name === undefined) throw creationError(libc().errno(), wanted);
  return name;
}

/** @throws TunError `NO_DRIVER`, `NO_PRIVILEGE`. */
export function openCloneDevice(): number {
  try {
    return openSync(TUN_CLONE_DEVICE, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (cause) {
    throw openError(cause as NodeJS.ErrnoException);
  }
}

function openError(cause: NodeJS.ErrnoException): TunError {
  const errno = Math.abs(cause.errno ?? 0);
  const details = { syscall: 'open', errno, cause };
  if (errno === Errno.EACCES || errno === Errno.EPERM) {
    return new TunError(
      TunErrorCode.NO_PRIVILEGE,
      `${TUN_CLONE_DEVICE} may not be opened (${errnoName(errno)}); run as root, or let this user open it ("chmod 0666 ${TUN_CLONE_DEVICE}") and grant CAP_NET_ADMIN`,
      details,
    );
  }
  return new TunError(
    TunErrorCode.NO_DRIVER,
    errno === Errno.ENOENT
      ? `${TUN_CLONE_DEVICE} does not exist; load the driver ("modprobe tun"), or in a container pass it in ("--device ${TUN_CLONE_DEVICE}")`
      : `${TUN_CLONE_DEVICE} does not open (${errnoName(errno)}); is the kernel's tun driver loaded ("modprobe tun")?`,
    details,
  );
}

function creationError(errno: number, name: string | undefined): TunError {
  const details = { syscall: 'ioctl(TUNSETIFF)', errno };
  if (errno === Errno.EPERM || errno === Errno.EACCES) {
    return new TunError(
      TunErrorCode.NO_PRIVILEGE,
      'making a network device takes CAP_NET_ADMIN, which this process lacks; run as root or grant it ("setcap cap_net_admin+ep")',
      details,
    );
  }
  if (errno === Errno.EBUSY || errno === Errno.EEXIST) {
    return new TunError(
      TunErrorCode.NAME_TAKEN,
      `the interface name "${name}" is taken; choose another, or leave the name out to get a free one`,
      details,
    );
  }
  return new TunError(
    TunErrorCode.SYSCALL,
    `the kernel refused to make a TUN device${name === undefined ? '' : ` named "${name}"`}: ${errnoName(errno)}`,
    details,
  );
}

/** A user or group that this user namespace has no number for. */
function ownerError(what: 'owner' | 'group', number: number): TunError {
  const errno = libc().errno();
  return new TunError(
    TunErrorCode.CONFIGURATION,
    `the ${what} ${number} was refused with ${errnoName(errno)}; give a number that this user namespace knows ("cat /proc/self/uid_map")`,
    { syscall: 'ioctl', errno },
  );
}
