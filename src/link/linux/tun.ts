/**
 * `/dev/net/tun`: making a TUN device and what only an ioctl on its descriptor can do.
 *
 * Source: Linux Documentation/networking/tuntap.rst; numbers from linux/if_tun.h and linux/if.h.
 */

import { closeSync, constants, openSync } from 'node:fs';
import { TunError, TunErrorCode } from '../../errors.ts';
import { MAX_INTERFACE_NAME_BYTES } from '../../limits.ts';
import { Errno, errnoName, libc } from '../../os/libc.ts';
import type { Segmentation } from '../link.ts';

/** The clone device. */
export const TUN_CLONE_DEVICE = '/dev/net/tun';

/** `_IOW('T', 202, int)`. */
const TUNSETIFF = 0x400454ca;
/** `_IOW('T', 208, unsigned int)`. */
const TUNSETOFFLOAD = 0x400454d0;
/** `_IOW('T', 217, int)`. */
const TUNSETQUEUE = 0x400454d9;
/** `_IOW('T', 226, int)`. */
const TUNSETCARRIER = 0x400454e2;

/** `IFF_TUN`: layer 3. */
const IFF_TUN = 0x0001;
/** `IFF_MULTI_QUEUE`: several descriptors, each a queue of its own, for one device. */
const IFF_MULTI_QUEUE = 0x0100;
/** `IFF_ATTACH_QUEUE`, `IFF_DETACH_QUEUE`: what TUNSETQUEUE is to do. */
const IFF_ATTACH_QUEUE = 0x0200;
const IFF_DETACH_QUEUE = 0x0400;
/** `IFF_NO_PI`: packets without the 4 bytes of protocol information in front. */
const IFF_NO_PI = 0x1000;
/** `IFF_VNET_HDR`: a virtio-net header in front of every packet. */
const IFF_VNET_HDR = 0x4000;
/** `IFF_TUN_EXCL`: fail rather than attach to a device that exists. */
const IFF_TUN_EXCL = 0x8000;

/** `TUN_F_*`: what of its work the kernel may leave to us. */
const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
const TUN_F_TSO_ECN = 0x08;
/** Only together (Linux 6.2 and later). */
const TUN_F_USO = 0x20 | 0x40;

/** What a kernel may grant, from strongest to weakest. */
const OFFLOADS: readonly (readonly [flags: number, segmentation: readonly Segmentation[]])[] = [
  [TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_USO, ['tso4', 'tso6', 'uso']],
  [TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN, ['tso4', 'tso6']],
  [TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6, ['tso4', 'tso6']],
];

/** Bytes of `struct ifreq` on 64-bit Linux. */
const IFREQ_BYTES = 40;
/** Offset of `ifr_flags` in it: behind the name and its terminating zero. */
const IFREQ_FLAGS_OFFSET: number = MAX_INTERFACE_NAME_BYTES + 1;

/** A TUN device as this process holds it. */
export interface Tun {
  /**
   * Non-blocking descriptors, one for each hardware queue; closing the last removes the device. Only
   * the first queue is attached at first.
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
}

/**
 * Makes a TUN device in the thread's present network namespace.
 *
 * @throws TunError `NO_DRIVER`, `NO_PRIVILEGE`, `NAME_TAKEN`, or `SYSCALL`.
 */
export function createTun({ name: wanted, offload = false, queues = 1 }: TunOptions): Tun {
  const fds: number[] = [];
  const flags =
    IFF_TUN | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0) | (queues > 1 ? IFF_MULTI_QUEUE : 0);
  try {
    const name = openQueue(fds, wanted, flags | IFF_TUN_EXCL);
    while (fds.length < queues) {
      openQueue(fds, name, flags);
      setQueueAttached(fds.at(-1)!, false);
    }
    return { fds, name, segmentation: offload ? grantedOffload(fds[0]!) : [] };
  } catch (error) {
    for (const fd of fds) closeSync(fd);
    throw error;
  }
}

/** Opens one queue of a device more, its first with IFF_TUN_EXCL; returns the device's name. */
function openQueue(fds: number[], name: string | undefined, flags: number): string {
  const fd = openCloneDevice();
  fds.push(fd);
  const request = interfaceRequest(name ?? '', flags);
  if (libc().ioctl(fd, TUNSETIFF, request) < 0) throw creationError(libc().errno(), name);
  return request.toString('latin1', 0, request.indexOf(0));
}

/** A `struct ifreq` with flags. */
function interfaceRequest(name: string, flags: number): Buffer {
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(name, 'latin1');
  new Uint16Array(request.buffer, request.byteOffset + IFREQ_FLAGS_OFFSET, 1)[0] = flags;
  return request;
}

/**
 * Says whether the kernel is to put packets into the queue of `fd`. Takes until all processors have
 * seen it, some 20 ms. What a queue holds that is detached the kernel throws away, uncounted.
 */
export function setQueueAttached(fd: number, attached: boolean): void {
  const request = interfaceRequest('', attached ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE);
  // Refused (EINVAL) when it is so already, and when the device is gone: as it should be either way.
  libc().ioctl(fd, TUNSETQUEUE, request);
}

/** Asks for as much as the kernel has. */
function grantedOffload(fd: number): readonly Segmentation[] {
  for (const [flags, segmentation] of OFFLOADS) {
    if (libc().ioctlInt(fd, TUNSETOFFLOAD, flags) === 0) return segmentation;
  }
  return [];
}

/**
 * Sets the carrier, which `ip link` shows as LOWER_UP or NO-CARRIER. Informs only: packets queued
 * stay readable, the kernel goes on queueing for up to a second, and writes succeed.
 */
export function setCarrier(fd: number, on: boolean): void {
  const argument = new Uint8Array(new Int32Array([on ? 1 : 0]).buffer);
  // A kernel before 5.0 lacks the request (EINVAL), and a device that is gone refuses: either way
  // nobody is misled, since carrier gates nothing.
  libc().ioctl(fd, TUNSETCARRIER, argument);
}

function openCloneDevice(): number {
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
