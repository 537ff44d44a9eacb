/** Descriptors of a TUN device that somebody else opened: what they are, and what has to be right about them. */

import { writeSync } from 'node:fs';
import { TunError, TunErrorCode } from '../../errors.ts';
import {
  Errno,
  errnoName,
  F_GETFD,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FD_CLOEXEC,
  libc,
} from '../../os/libc.ts';
import { VNET_HEADER_BYTES } from '../../wire/virtio-net.ts';
import {
  attachQueue,
  getHeaderBytes,
  getInterface,
  setHeaderBytes,
  TunFlag,
  type TunInterface,
} from './tun-requests.ts';

/** `O_ACCMODE`, `O_RDWR`, `O_NONBLOCK` (fcntl.h). */
const O_ACCMODE = 3;
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
/** With protocol information in front: none, of no protocol, of a packet of no bytes. */
const EMPTY_FRAME_BYTES = 4;
/** Larger virtio-net headers are no program's: the longest that virtio has take some dozen bytes. */
const MAX_HEADER_BYTES = 0x1000;

/**
 * Looks at descriptors that are to be queues of one device, changing nothing.
 *
 * @throws TunError `NOT_TUN` when one is not open, or no TUN's, or of another device than the first;
 * `UNSUPPORTED` when it cannot be written.
 */
export function examineDescriptors(fds: readonly number[]): TunInterface {
  const [first, ...others] = fds.map(examine);
  const other = others.find(({ name }) => name !== first!.name);
  if (other === undefined) return first!;
  throw notTun(
    `the descriptors are of two devices, "${first!.name}" and "${other.name}"; attach to each by itself`,
  );
}

function examine(fd: number): TunInterface {
  const mode = libc().fcntl(fd, F_GETFL, 0);
  if (mode < 0)
    throw notTun(
      `descriptor ${fd} is not open (${errnoName(libc().errno())}); give the number of one that is, and keep it open until this resolves`,
    );
  const device = getInterface(fd);
  if (device === undefined) throw notTun(refusal(fd, libc().errno()));
  if ((device.flags & TunFlag.TUN) === 0) {
    throw notTun(
      `descriptor ${fd} is of "${device.name}", a TAP device (layer 2); typetun moves IP packets, so make it with IFF_TUN ("ip tuntap add mode tun")`,
    );
  }
  if ((mode & O_ACCMODE) === O_RDWR) return device;
  throw new TunError(
    TunErrorCode.UNSUPPORTED,
    `descriptor ${fd} of "${device.name}" is open for one direction only; open /dev/net/tun for reading and writing`,
  );
}

function refusal(fd: number, errno: number): string {
  return errno === Errno.EBADFD
    ? `descriptor ${fd} is of /dev/net/tun, but of no device: whoever opened it did not attach it (TUNSETIFF), or its device was removed`
    : `descriptor ${fd} is no TUN device (TUNGETIFF: ${errnoName(errno)}); give one that /dev/net/tun was opened to`;
}

/**
 * Whether packets have protocol information in front, tried out, since no request tells: 4 zero bytes
 * are a frame with it, and no packet without; behind a virtio-net header of the size they have now, if
 * `device` has any. Costs the device a count among its receive drops. For devices that rtnetlink does not
 * tell about.
 *
 * @throws TunError `UNSUPPORTED` for headers of a size that is none.
 */
export function tryProtocolInformation(fd: number, { name, flags }: TunInterface): boolean {
  const headerBytes = (flags & TunFlag.VNET_HDR) === 0 ? 0 : getHeaderBytes(fd);
  if (headerBytes > MAX_HEADER_BYTES) throw oddHeaders(name, headerBytes, "no program's");
  const frame = new Uint8Array(headerBytes + EMPTY_FRAME_BYTES);
  try {
    writeSync(fd, frame);
    return true;
  } catch (cause) {
    return Math.abs((cause as NodeJS.ErrnoException).errno ?? 0) !== Errno.EINVAL;
  }
}

/** @throws TunError `UNSUPPORTED`: always. */
export function refuseProtocolInformation(name: string): never {
  throw new TunError(
    TunErrorCode.UNSUPPORTED,
    `"${name}" was opened with protocol information in front of each packet; whoever opens it has to say IFF_NO_PI ("ip tuntap add" without "pi")`,
  );
}

/**
 * Makes the descriptors what the link needs: the first attached, with virtio-net headers of 10 bytes, not
 * blocking, closed on exec. Each is changed only where it is not so. Not blocking they are then in
 * every process that has them.
 *
 * @throws TunError `UNSUPPORTED` when the size of the headers cannot be set.
 */
export function prepareDescriptors(fds: readonly number[], { name }: TunInterface): void {
  for (const fd of fds) {
    const flags = getInterface(fd)?.flags ?? 0;
    const headers = (flags & TunFlag.VNET_HDR) !== 0;
    if (
      headers &&
      getHeaderBytes(fd) !== VNET_HEADER_BYTES &&
      !setHeaderBytes(fd, VNET_HEADER_BYTES)
    ) {
      throw oddHeaders(name, getHeaderBytes(fd), errnoName(libc().errno()));
    }
    if ((flags & TunFlag.DETACH_QUEUE) !== 0) attachQueue(fd);
    const mode = libc().fcntl(fd, F_GETFL, 0);
    if ((mode & O_NONBLOCK) === 0) libc().fcntl(fd, F_SETFL, mode | O_NONBLOCK);
    if (libc().fcntl(fd, F_GETFD, 0) !== FD_CLOEXEC) libc().fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

function oddHeaders(name: string, bytes: number, why: string): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    `the virtio-net headers of "${name}" have ${bytes} bytes (${why}), and not ${VNET_HEADER_BYTES}; whoever opens it may set that (TUNSETVNETHDRSZ), or leave out IFF_VNET_HDR`,
  );
}

function notTun(message: string): TunError {
  return new TunError(TunErrorCode.NOT_TUN, message);
}
