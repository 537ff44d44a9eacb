/**
 * What only an ioctl on its descriptor can ask of a TUN device, or tell it.
 *
 * Source: Linux Documentation/networking/tuntap.rst; numbers from linux/if_tun.h and linux/if.h.
 */

import { MAX_INTERFACE_NAME_BYTES } from '../../limits.ts';
import { libc } from '../../os/libc.ts';
import type { Segmentation } from '../link.ts';

/** `_IOW('T', 202, int)`. */
const TUNSETIFF = 0x400454ca;
/** `_IOW('T', 203, int)`. */
const TUNSETPERSIST = 0x400454cb;
/** `_IOW('T', 204, int)`. */
const TUNSETOWNER = 0x400454cc;
/** `_IOW('T', 206, int)`. */
const TUNSETGROUP = 0x400454ce;
/** `_IOW('T', 208, unsigned int)`. */
const TUNSETOFFLOAD = 0x400454d0;
/** `_IOR('T', 210, unsigned int)`. */
const TUNGETIFF = 0x800454d2;
/** `_IOR('T', 215, int)`, `_IOW('T', 216, int)`. */
const TUNGETVNETHDRSZ = 0x800454d7;
const TUNSETVNETHDRSZ = 0x400454d8;
/** `_IOW('T', 217, int)`. */
const TUNSETQUEUE = 0x400454d9;
/** `_IOW('T', 226, int)`. */
const TUNSETCARRIER = 0x400454e2;
/** `_IO('T', 227)`. */
const TUNGETDEVNETNS = 0x54e3;

/** `IFF_*` of `TUNSETIFF` and `TUNGETIFF`. */
export const TunFlag = {
  /** Layer 3. */
  TUN: 0x0001,
  /** Layer 2. */
  TAP: 0x0002,
  /** Several descriptors, each a queue of its own, for one device. */
  MULTI_QUEUE: 0x0100,
  /** What TUNSETQUEUE is to do; of TUNGETIFF the latter says that this queue is detached. */
  ATTACH_QUEUE: 0x0200,
  DETACH_QUEUE: 0x0400,
  /** The device outlives its descriptors. Of TUNGETIFF only. */
  PERSIST: 0x0800,
  /**
   * Packets without the 4 bytes of protocol information in front. To TUNSETIFF only: TUNGETIFF reports
   * IFF_NOFILTER in the same bit, and so always says yes of a TUN.
   */
  NO_PI: 0x1000,
  /** A virtio-net header in front of every packet. */
  VNET_HDR: 0x4000,
  /** Fail rather than attach to a device that exists. */
  TUN_EXCL: 0x8000,
} as const;

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

/** A device as its descriptor tells it. */
export interface TunInterface {
  readonly name: string;
  /** {@link TunFlag}. */
  readonly flags: number;
}

/**
 * Makes the device of that name, or attaches to it, as `flags` say; without a name the kernel's next
 * `tun%d`. Returns its name, undefined when the kernel refused: see `errno`.
 */
export function setInterface(
  fd: number,
  name: string | undefined,
  flags: number,
): string | undefined {
  const request = interfaceRequest(name ?? '', flags);
  return libc().ioctl(fd, TUNSETIFF, request) < 0 ? undefined : nameIn(request);
}

/** What device a descriptor belongs to; undefined when to none, or when it is no TUN's: see `errno`. */
export function getInterface(fd: number): TunInterface | undefined {
  const request = interfaceRequest('', 0);
  if (libc().ioctl(fd, TUNGETIFF, request) < 0) return undefined;
  return { name: nameIn(request), flags: flagsIn(request)[0]! };
}

/** A descriptor of the device's network namespace, to be closed; -1 where the kernel refuses. */
export function getDeviceNamespace(fd: number): number {
  return libc().ioctlInt(fd, TUNGETDEVNETNS, 0);
}

/** Whether the device is to outlive its descriptors. Returns whether the kernel took it. */
export function setPersistent(fd: number, persistent: boolean): boolean {
  return libc().ioctlInt(fd, TUNSETPERSIST, persistent ? 1 : 0) === 0;
}

/** Which user may attach to the device without CAP_NET_ADMIN. Returns whether the kernel took it. */
export function setOwner(fd: number, user: number): boolean {
  return libc().ioctlInt(fd, TUNSETOWNER, user) === 0;
}

/** Which group's members may. Returns whether the kernel took it. */
export function setGroup(fd: number, group: number): boolean {
  return libc().ioctlInt(fd, TUNSETGROUP, group) === 0;
}

/** Bytes of the virtio-net header in front of each packet. */
export function getHeaderBytes(fd: number): number {
  const size = new Int32Array(1);
  libc().ioctl(fd, TUNGETVNETHDRSZ, new Uint8Array(size.buffer));
  return size[0]!;
}

/** Returns whether the kernel took it. */
export function setHeaderBytes(fd: number, bytes: number): boolean {
  return libc().ioctl(fd, TUNSETVNETHDRSZ, integer(bytes)) === 0;
}

/**
 * The kernel is to put packets into the queue of `fd`, which somebody detached. It is never detached by
 * us: the last queue would take its number, and flows follow numbers (docs/shared-memory.md).
 */
export function attachQueue(fd: number): void {
  // Refused (EINVAL) when it is so already, and when the device is gone: as it should be either way.
  libc().ioctl(fd, TUNSETQUEUE, interfaceRequest('', TunFlag.ATTACH_QUEUE));
}

/** Asks for as much as the kernel has. */
export function grantedOffload(fd: number): readonly Segmentation[] {
  for (const [flags, segmentation] of OFFLOADS) {
    if (libc().ioctlInt(fd, TUNSETOFFLOAD, flags) === 0) return segmentation;
  }
  return [];
}

/** The kernel is to do all of its work itself: no super-packets, every checksum complete. */
export function endOffload(fd: number): void {
  libc().ioctlInt(fd, TUNSETOFFLOAD, 0);
}

/**
 * Sets the carrier, which `ip link` shows as LOWER_UP or NO-CARRIER. Informs only: packets queued
 * stay readable, the kernel goes on queueing for up to a second, and writes succeed.
 */
export function setCarrier(fd: number, on: boolean): void {
  // A kernel before 5.0 lacks the request (EINVAL), and a device that is gone refuses: either way
  // nobody is misled, since carrier gates nothing.
  libc().ioctl(fd, TUNSETCARRIER, integer(on ? 1 : 0));
}

function integer(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

/** A `struct ifreq` with flags. */
function interfaceRequest(name: string, flags: number): Buffer {
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(name, 'latin1');
  flagsIn(request)[0] = flags;
  return request;
}

function flagsIn(request: Buffer): Uint16Array {
  return new Uint16Array(request.buffer, request.byteOffset + IFREQ_FLAGS_OFFSET, 1);
}

function nameIn(request: Buffer): string {
  return request.toString('latin1', 0, request.indexOf(0));
}
