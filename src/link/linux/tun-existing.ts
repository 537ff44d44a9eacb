/**
 * Attaching to a TUN device that exists, by name. The kernel looks at three of the flags: whether it has
 * several queues must be as the device was made; of the others it takes those of the first to attach.
 */

import { closeSync } from 'node:fs';
import { TunError, TunErrorCode } from '../../errors.ts';
import { Errno, errnoName, libc } from '../../os/libc.ts';
import type { Offload } from '../link.ts';
import type { LinkState } from './rtnetlink-link.ts';
import type { TunState } from './rtnetlink-tun.ts';
import { openCloneDevice, type Tun } from './tun.ts';
import { endOffload, grantedOffload, setInterface, TunFlag } from './tun-requests.ts';

/** How a device is to be attached to. */
export interface AttachTunOptions {
  readonly offload: Offload;
  /** Queues that are wanted, of a device that may have several. */
  readonly queues: number;
}

/** A device that was attached to. */
export interface AttachedTun extends Tun {
  /** Whether its packets have virtio-net headers, also where it hands over no super-packets. */
  readonly headers: boolean;
}

/**
 * The index of an interface in the thread's present network namespace.
 *
 * @throws TunError `NOT_FOUND`.
 */
export function indexOfInterface(name: string): number {
  const index = libc().ifNameToIndex(name);
  if (index === 0) throw noInterface(name);
  return index;
}

/** There is no interface of that name (any more). */
export function noInterface(name: string): TunError {
  return new TunError(
    TunErrorCode.NOT_FOUND,
    `there is no interface "${name}" in this network namespace; make it ("ip tuntap add ${name} mode tun user USER", or Adapter.create with persist and owner), or say in which one it is (netns)`,
  );
}

/**
 * Attaches to the device, in its network namespace. Whoever calls must see afterwards that it is still
 * the device he read: if it was removed meanwhile, and this process may, the kernel made a new one.
 *
 * @throws TunError `NOT_TUN`, `BUSY`, `NO_PRIVILEGE`, `NO_DRIVER`, `UNSUPPORTED`, or `SYSCALL`.
 */
export function attachTun(link: LinkState, { offload, queues }: AttachTunOptions): AttachedTun {
  const { name } = link;
  const tun = requireTun(link);
  const company = tun.multiQueue && (tun.queues ?? 0) > 0;
  if (company && tun.protocolInformation) throw withInformation(name);
  const headers = company ? tun.headers : offload !== 'off';
  const flags =
    TunFlag.TUN |
    TunFlag.NO_PI |
    (headers ? TunFlag.VNET_HDR : 0) |
    (tun.multiQueue ? TunFlag.MULTI_QUEUE : 0);
  const fds: number[] = [];
  try {
    const count = tun.multiQueue ? queues : 1;
    while (fds.length < count) {
      const fd = openCloneDevice();
      fds.push(fd);
      if (setInterface(fd, name, flags) === undefined) throw refused(libc().errno(), name, tun);
    }
    const segmentation = headers && offload !== 'off' ? grantedOffload(fds[0]!) : [];
    if (offload === 'carry' && segmentation.length === 0) throw nothingToCarry(name, company);
    // What the program before us was granted the device still has.
    if (segmentation.length === 0 && !company) endOffload(fds[0]!);
    return { fds, name, segmentation, headers };
  } catch (error) {
    for (const fd of fds) closeSync(fd);
    throw error;
  }
}

/** @throws TunError `NOT_TUN`. */
function requireTun({ name, tun }: LinkState): TunState {
  if (tun?.type === 'tun') return tun;
  throw new TunError(
    TunErrorCode.NOT_TUN,
    tun === undefined
      ? `the interface "${name}" is no TUN device; give the name of one ("ip tuntap show" lists them)`
      : `the interface "${name}" is a TAP device (layer 2); typetun moves IP packets, so make it a TUN ("ip tuntap add ${name} mode tun")`,
  );
}

function refused(errno: number, name: string, tun: TunState): TunError {
  const details = { syscall: 'ioctl(TUNSETIFF)', errno };
  if (errno === Errno.EPERM || errno === Errno.EACCES) {
    return new TunError(
      TunErrorCode.NO_PRIVILEGE,
      `the interface "${name}" ${ownership(tun)}, and this process runs as user ${process.geteuid?.()} in group ${process.getgroups?.().join(', ')} without CAP_NET_ADMIN; run it as who may, or as root, or make the interface with "user ${process.geteuid?.()}" and no group`,
      details,
    );
  }
  if (errno === Errno.EBUSY) {
    return new TunError(
      TunErrorCode.BUSY,
      `another program is attached to the interface "${name}", which takes one at a time; end it, or make the interface with several queues ("multi_queue")`,
      details,
    );
  }
  return new TunError(
    TunErrorCode.SYSCALL,
    `the kernel refused to attach to the interface "${name}": ${errnoName(errno)}; has it as many queues as you ask for?`,
    details,
  );
}

/** In words. The kernel asks for all that is set: for the user as a member of the group, if it is both. */
function ownership({ owner, group }: TunState): string {
  if (owner === undefined && group === undefined) return 'belongs to no user';
  if (owner === undefined) return `belongs to group ${group}`;
  return group === undefined
    ? `belongs to user ${owner}`
    : `belongs to user ${owner} in group ${group}, which takes both`;
}

function withInformation(name: string): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    `another program uses the interface "${name}" with protocol information in front of each packet, and all its queues are alike; that program has to say IFF_NO_PI`,
  );
}

function nothingToCarry(name: string, company: boolean): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    `offload is 'carry', but "${name}" hands over no super-packets: ${company ? 'another program uses it without' : "this kernel's TUN driver has none"}; leave it out, or say 'off'`,
  );
}
