/** Attaches a link to a TUN device that somebody else made. */

import { TunError, TunErrorCode } from '../../errors.ts';
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
import {
  examineDescriptors,
  prepareDescriptors,
  refuseProtocolInformation,
  takeOver,
  tryProtocolInformation,
} from './tun-inherited.ts';
import type { Passage } from './tun-link.ts';
import { TunMemory } from './tun-memory.ts';
import { endOffload, grantedOffload, TunFlag, type TunInterface } from './tun-requests.ts';

/**
 * Attaches. Leaves this thread in its own network namespace whenever others can run.
 *
 * Rejects with TunError `NOT_TUN`, `UNSUPPORTED`, `NO_PRIVILEGE`, `CONFIGURATION`, `ADAPTER_REMOVED`. The
 * descriptors are still the caller's then, and as open as they were.
 */
export async function attachToDevice(config: AttachConfig): Promise<Link> {
  if ('fds' in config.device) return await attachDescriptors(config.device.fds, config);
  throw new TunError(TunErrorCode.UNSUPPORTED, 'attaching by name is not there yet');
}

/** Attaches to the device that the descriptors belong to; on success they are the link's. */
async function attachDescriptors(fds: readonly number[], config: AttachConfig): Promise<Link> {
  const device = examineDescriptors(fds);
  const shared = new TunMemory();
  const control = visitDevice(fds[0]!, device, (index) =>
    index === undefined
      ? outOfSight(fds[0]!, device, config, shared)
      : inSight(index, device, config, shared),
  );
  try {
    prepareDescriptors(fds, device);
    const passage = passageOf(fds[0]!, device, config, control);
    return new LinuxLink(takeOver(fds), control, shared, passage, 'keep');
  } catch (error) {
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
  const headers = (device.flags & TunFlag.VNET_HDR) !== 0;
  if (tryProtocolInformation(fd, headers)) refuseProtocolInformation(device.name);
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
  return { offload, headers, segmentation, engine, events };
}
