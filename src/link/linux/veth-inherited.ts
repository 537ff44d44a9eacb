/** A packet socket that somebody else opened on the far end of a veth pair: what it is, and what has to be right about it. */

import { TunError, TunErrorCode } from '../../errors.ts';
import { closeOwned, ownedCopies } from '../../os/descriptors.ts';
import { F_GETFD, F_GETFL, F_SETFD, F_SETFL, FD_CLOEXEC, libc } from '../../os/libc.ts';
import { interfaceNameAt, type PacketBinding, packetBinding } from '../../os/packet-socket.ts';
import type { AttachConfig, Link } from '../link.ts';
import { BlindControl } from './blind-control.ts';
import { LinuxLink } from './linux-link.ts';
import { TunMemory } from './tun-memory.ts';
import { FAR_ADDRESS } from './veth.ts';
import { VethControl } from './veth-control.ts';
import { nothingToCarry, VETH_PASSAGE } from './veth-provider.ts';

/** `O_NONBLOCK` (fcntl.h). */
const O_NONBLOCK = 0o4000;

/** Whether the first of these descriptors is a packet socket. */
export function isPacketSocket(fds: readonly number[]): boolean {
  return packetBinding(fds[0]!) !== undefined;
}

/**
 * Attaches to the device that the packet socket is the other side of; the socket stays the caller's. The
 * device is in a network namespace of somebody else's: what is said of it is believed.
 *
 * @throws TunError `NOT_TUN` when it is no socket as `link: 'veth'` makes them, `ADAPTER_REMOVED` when its
 * device is gone, `UNSUPPORTED`, `NO_PRIVILEGE` for what would have to be set.
 */
export function attachPacketSocket(fds: readonly number[], config: AttachConfig): Link {
  const fd = fds[0]!;
  const name = examine(fd, fds.length);
  if (config.offload === 'carry') throw nothingToCarry();
  const shared = new TunMemory();
  const device = new BlindControl(name, config, shared);
  const mode = libc().fcntl(fd, F_GETFL, 0);
  if ((mode & O_NONBLOCK) === 0) libc().fcntl(fd, F_SETFL, mode | O_NONBLOCK);
  if (libc().fcntl(fd, F_GETFD, 0) !== FD_CLOEXEC) libc().fcntl(fd, F_SETFD, FD_CLOEXEC);
  const own = ownedCopies(fds);
  try {
    const control = new VethControl(device, own[0]!);
    return new LinuxLink(own, control, shared, { ...VETH_PASSAGE, events: false }, 'keep');
  } catch (error) {
    for (const one of own) closeOwned(one);
    throw error;
  }
}

/** Returns the name of the device: the far end has the same. */
function examine(fd: number, count: number): string {
  if (count > 1) {
    throw notOurs(fd, `, and a device over one has one queue, not ${count}`);
  }
  const binding = packetBinding(fd)!;
  const { index } = binding;
  if (index < 0) {
    throw new TunError(
      TunErrorCode.ADAPTER_REMOVED,
      `the device of packet socket ${fd} is gone; has its network namespace ended?`,
    );
  }
  if (!isOurs(binding)) {
    throw notOurs(fd, ', but not on the far end of a veth pair that typetun made');
  }
  return interfaceNameAt(fd, index) ?? '';
}

function isOurs({ headless, index, isEthernet, address }: PacketBinding): boolean {
  if (!headless || index === 0 || !isEthernet || address.length !== FAR_ADDRESS.length)
    return false;
  return address.every((byte, i) => byte === FAR_ADDRESS[i]);
}

function notOurs(fd: number, why: string): TunError {
  return new TunError(
    TunErrorCode.NOT_TUN,
    `descriptor ${fd} is a packet socket${why}; give that of an adapter made with link: 'veth', or one that /dev/net/tun was opened to`,
  );
}
