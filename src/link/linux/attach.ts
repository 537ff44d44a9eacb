/** Attaches a link to a TUN device that somebody else made. */

import { closeSync } from 'node:fs';
import { TunError, TunErrorCode } from '../../errors.ts';
import { closeOwned, ownedCopies } from '../../os/descriptors.ts';
import { libc } from '../../os/libc.ts';
import { inNetworkNamespace } from '../../os/namespaces.ts';
import { NetlinkSocket } from '../../os/netlink-socket.ts';
import type { AttachConfig, Link, Segmentation } from '../link.ts';
import { adoptDevice } from './adopt.ts';
import { BlindControl } from './blind-control.ts';
import { LinuxControl } from './control.ts';
import type { DeviceControl } from './device-control.ts';
import { readLink } from './device-state.ts';
import { LinkEventReader } from './events.ts';
import { LinuxLink } from './linux-link.ts';
import { visitDevice } from './locate.ts';
import { attachTun, indexOfInterface, noInterface } from './tun-existing.ts';
import {
  examineDescriptors,
  prepareDescriptors,
  refuseProtocolInformation,
  tryProtocolInformation,
} from './tun-inherited.ts';
import type { Passage } from './tun-link.ts';
import { TunMemory } from './tun-memory.ts';
import { endOffload, grantedOffload, TunFlag, type TunInterface } from './tun-requests.ts';
import { attachPacketSocket, isPacketSocket } from './veth-inherited.ts';

/**
 * Attaches. Leaves this thread in its own network namespace whenever others can run.
 *
 * Rejects with TunError `NOT_FOUND`, `NOT_TUN`, `BUSY`, `UNSUPPORTED`, `NO_PRIVILEGE`, `CONFIGURATION`,
 * `ADAPTER_REMOVED`, `NETNS`, `SYSCALL`. Descriptors that were given stay the caller's, and as open as they
 * were: the link has its own of the same device.
 */
export async function attachToDevice(config: AttachConfig): Promise<Link> {
  const { device, netns } = config;
  if ('fds' in device) return await attachDescriptors(device.fds, config);
  return inNetworkNamespace(netns, () => attachNamed(device.name, device.queues, config));
}

/** Attaches to the interface of that name in the present namespace. */
function attachNamed(name: string, queues: number, config: AttachConfig): Link {
  const socket = NetlinkSocket.open();
  const opened: { close(): void }[] = [socket];
  try {
    const index = indexOfInterface(name);
    const before = readLink(socket, index);
    const tun = attachTun(before, { offload: config.offload, queues });
    opened.push(...tun.fds.map((fd) => ({ close: () => closeSync(fd) })));
    if (libc().ifNameToIndex(name) !== index) throw noInterface(name);
    const events = LinkEventReader.open(index, socket);
    opened.push(events);
    const shared = new TunMemory();
    const { engine } = config;
    const { headers, segmentation } = tun;
    const offload = segmentation.length > 0 ? config.offload : 'off';
    const setUp = adoptDevice(socket, index, { ...config, offload });
    const control = new LinuxControl(index, setUp, socket, events, shared);
    const passage = {
      medium: 'tun',
      offload,
      headers,
      segmentation,
      engine,
      events: true,
    } as const;
    return new LinuxLink(tun.fds, control, shared, passage, 'leave');
  } catch (error) {
    for (const one of opened.reverse()) one.close();
    throw error;
  }
}

/** Attaches to the device that the descriptors belong to. */
async function attachDescriptors(fds: readonly number[], config: AttachConfig): Promise<Link> {
  if (isPacketSocket(fds)) return attachPacketSocket(fds, config);
  const device = examineDescriptors(fds);
  const shared = new TunMemory();
  const control = visitDevice(fds[0]!, device, (index) =>
    index === undefined
      ? outOfSight(fds[0]!, device, config, shared)
      : inSight(index, device, config, shared),
  );
  const own: number[] = [];
  try {
    prepareDescriptors(fds, device);
    const passage = passageOf(fds[0]!, device, config, control);
    own.push(...ownedCopies(fds));
    return new LinuxLink(own, control, shared, passage, 'keep');
  } catch (error) {
    for (const fd of own) closeOwned(fd);
    await control.close();
    throw error;
  }
}

function inSight(
  index: number,
  device: TunInterface,
  config: AttachConfig,
  shared: TunMemory,
): DeviceControl {
  const socket = NetlinkSocket.open();
  const opened: { close(): void }[] = [socket];
  try {
    if (readLink(socket, index).tun?.protocolInformation) refuseProtocolInformation(device.name);
    const events = LinkEventReader.open(index, socket);
    opened.push(events);
    const setUp = adoptDevice(socket, index, config);
    return new LinuxControl(index, setUp, socket, events, shared);
  } catch (error) {
    for (const one of opened.reverse()) one.close();
    throw error;
  }
}

function outOfSight(
  fd: number,
  device: TunInterface,
  config: AttachConfig,
  shared: TunMemory,
): DeviceControl {
  if (tryProtocolInformation(fd, device)) refuseProtocolInformation(device.name);
  return new BlindControl(device.name, config, shared);
}

/**
 * What there is of offload follows from the descriptor, which has virtio-net headers or not.
 *
 * @throws TunError `UNSUPPORTED` when super-packets are to be carried and there are none.
 */
function passageOf(
  fd: number,
  { name, flags }: TunInterface,
  { offload: wanted, engine }: AttachConfig,
  control: DeviceControl,
): Passage {
  const headers = (flags & TunFlag.VNET_HDR) !== 0;
  const segmentation: readonly Segmentation[] =
    headers && wanted !== 'off' ? grantedOffload(fd) : [];
  if (headers && wanted === 'off') endOffload(fd);
  const offload = segmentation.length > 0 ? wanted : 'off';
  if (wanted === 'carry' && offload === 'off') {
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      `offload is 'carry', but "${name}" hands over no super-packets: it was opened without IFF_VNET_HDR, or its kernel has none; leave it out, or say 'off'`,
    );
  }
  const events = control.info.interfaceIndex !== undefined;
  return { medium: 'tun', offload, headers, segmentation, engine, events };
}
