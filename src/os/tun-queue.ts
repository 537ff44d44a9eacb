/**
 * What can be done to a TUN by a descriptor of it that another process has as well: it is one open file, and what
 * is done to it holds for both.
 *
 * Source: Linux Documentation/networking/tuntap.rst; numbers from linux/if_tun.h.
 */

import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { F_DUPFD_CLOEXEC, libc, syscallError } from './libc.ts';

/** `_IOR('T', 210, unsigned int)`, `_IOW('T', 217, int)`, `_IOW('T', 226, int)`. */
const TUNGETIFF = 0x800454d2;
const TUNSETQUEUE = 0x400454d9;
const TUNSETCARRIER = 0x400454e2;
/** `IFF_MULTI_QUEUE`, `IFF_ATTACH_QUEUE`, `IFF_DETACH_QUEUE`, `IFF_VNET_HDR`. */
const MULTI_QUEUE = 0x0100;
const ATTACH = 0x0200;
const DETACH = 0x0400;
const VNET_HDR = 0x4000;
/** `struct ifreq` on 64-bit Linux, and where its flags are. */
const IFREQ_BYTES = 40;
const FLAGS_OFFSET = 16;
const INT_BYTES = 4;

/**
 * The kernel puts packets into the queue of `fd` no more, and those that are in it are gone. Writing still works.
 * Nothing happens when it is so already.
 */
export function detachQueue(fd: number): void {
  libc().ioctl(fd, TUNSETQUEUE, request(DETACH));
}

/** The opposite of {@link detachQueue}. */
export function attachQueue(fd: number): void {
  libc().ioctl(fd, TUNSETQUEUE, request(ATTACH));
}

/** How a TUN was made: whether each packet has a virtio-net header in front, and whether queues can be detached. */
export function tunFlags(fd: number): { readonly headers: boolean; readonly multiQueue: boolean } {
  const ifreq = request(0);
  libc().ioctl(fd, TUNGETIFF, ifreq);
  const flags = new DataView(ifreq.buffer).getUint16(FLAGS_OFFSET, HOST_LITTLE_ENDIAN);
  return { headers: (flags & VNET_HDR) !== 0, multiQueue: (flags & MULTI_QUEUE) !== 0 };
}

/** Tells the system whether anybody listens. */
export function setTunCarrier(fd: number, on: boolean): void {
  const value = new Uint8Array(INT_BYTES);
  new DataView(value.buffer).setInt32(0, on ? 1 : 0, HOST_LITTLE_ENDIAN);
  libc().ioctl(fd, TUNSETCARRIER, value);
}

/**
 * Another descriptor of the same open file, not inherited; the caller's.
 *
 * @throws TunError `SYSCALL`.
 */
export function duplicateDescriptor(fd: number): number {
  const own = libc().fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (own >= 0) return own;
  throw syscallError('fcntl', libc().errno(), 'make another descriptor');
}

function request(flags: number): Uint8Array {
  const ifreq = new Uint8Array(IFREQ_BYTES);
  new DataView(ifreq.buffer).setUint16(FLAGS_OFFSET, flags, HOST_LITTLE_ENDIAN);
  return ifreq;
}
