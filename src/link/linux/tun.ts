/**
 * `/dev/net/tun`: making a TUN device and what only an ioctl on its descriptor can do.
 *
 * Source: Linux Documentation/networking/tuntap.rst; numbers from linux/if_tun.h and linux/if.h.
 */

import { closeSync, constants, openSync } from 'node:fs';
import { TunError, TunErrorCode } from '../../errors.ts';
import { MAX_INTERFACE_NAME_BYTES } from '../../limits.ts';
import { Errno, errnoName, libc } from '../../os/libc.ts';

/** The clone device. */
export const TUN_CLONE_DEVICE = '/dev/net/tun';

/** `_IOW('T', 202, int)`. */
const TUNSETIFF = 0x400454ca;
/** `_IOW('T', 226, int)`. */
const TUNSETCARRIER = 0x400454e2;

/** `IFF_TUN`: layer 3. */
const IFF_TUN = 0x0001;
/** `IFF_NO_PI`: packets without the 4 bytes of protocol information in front. */
const IFF_NO_PI = 0x1000;
/** `IFF_TUN_EXCL`: fail rather than attach to a device that exists. */
const IFF_TUN_EXCL = 0x8000;

/** Bytes of `struct ifreq` on 64-bit Linux. */
const IFREQ_BYTES = 40;
/** Offset of `ifr_flags` in it: behind the name and its terminating zero. */
const IFREQ_FLAGS_OFFSET: number = MAX_INTERFACE_NAME_BYTES + 1;

/** A TUN device as this process holds it. */
export interface Tun {
  /** Non-blocking descriptor; closing it removes the device. */
  readonly fd: number;
  /** The interface's name, as the kernel chose or confirmed it. */
  readonly name: string;
}

/**
 * Makes a TUN device in the thread's present network namespace.
 *
 * @param name Interface name, or undefined for the kernel's next `tun%d`.
 * @throws TunError `NO_DRIVER`, `NO_PRIVILEGE`, `NAME_TAKEN`, or `SYSCALL`.
 */
export function createTun(name: string | undefined): Tun {
  const fd = openCloneDevice();
  try {
    const request = Buffer.alloc(IFREQ_BYTES);
    request.write(name ?? '', 'latin1');
    new Uint16Array(request.buffer, request.byteOffset + IFREQ_FLAGS_OFFSET, 1)[0] =
      IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL;
    if (libc().ioctl(fd, TUNSETIFF, request) < 0) throw creationError(libc().errno(), name);
    return { fd, name: request.toString('latin1', 0, request.indexOf(0)) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
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
