/** What the kernel says a device is now. */

import { isTunError, TunErrorCode } from '../../errors.ts';
import type { NetlinkSocket } from '../../os/netlink-socket.ts';
import type { AddressWithPrefix, LinkInfo } from '../link.ts';
import { ask, removed } from './refusals.ts';
import { getAddresses, parseInterfaceAddress, RTM_NEWADDR } from './rtnetlink-address.ts';
import { getLink, type LinkState, parseLink, RTM_NEWLINK } from './rtnetlink-link.ts';
import { getRoutes, type InterfaceRoute, parseRoute } from './rtnetlink-route.ts';

/** A device as it is now. */
export interface DeviceState {
  readonly info: LinkInfo;
  /** Packets the kernel queues in front of it. */
  readonly queueLength: number;
}

/** The device as it is now, or undefined when it is gone. */
export function readDevice(socket: NetlinkSocket, index: number): DeviceState | undefined {
  return unlessRemoved(() => {
    const link = readLink(socket, index);
    return { info: infoOf(socket, link), queueLength: link.queueLength };
  });
}

/** Packets the kernel dropped in front of the device, ever; undefined when it is gone. */
export function readHostDrops(socket: NetlinkSocket, index: number): number | undefined {
  return unlessRemoved(() => readLink(socket, index).dropped);
}

/** Completes what {@link readLink} says with the addresses. */
export function infoOf(socket: NetlinkSocket, link: LinkState): LinkInfo {
  const addresses = readAddresses(socket, link.index);
  return { name: link.name, interfaceIndex: link.index, mtu: link.mtu, up: link.up, addresses };
}

/** @throws TunError `ADAPTER_REMOVED` when the device is gone. */
export function readLink(socket: NetlinkSocket, index: number): LinkState {
  const what = `reading the interface with index ${index}`;
  const message = ask(socket, getLink(index), { what }).find(({ type }) => type === RTM_NEWLINK);
  if (message === undefined) throw removed(index);
  return parseLink(message);
}

/** The device's addresses of both families. */
export function readAddresses(socket: NetlinkSocket, index: number): AddressWithPrefix[] {
  const what = `reading the addresses of the interface with index ${index}`;
  const found: AddressWithPrefix[] = [];
  for (const message of ask(socket, getAddresses(index), { what })) {
    if (message.type !== RTM_NEWADDR) continue;
    const address = parseInterfaceAddress(message);
    if (address?.index === index) found.push(address.text);
  }
  return found;
}

/** The device's routes of one family, those of the kernel's own making included. */
export function readRoutes(
  socket: NetlinkSocket,
  index: number,
  family: 4 | 6,
): readonly InterfaceRoute[] {
  const what = `reading the routes of the interface with index ${index}`;
  return ask(socket, getRoutes(index, family), { what })
    .map(parseRoute)
    .filter((route) => route !== undefined)
    .filter((route) => route.index === index);
}

function unlessRemoved<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isTunError(error, TunErrorCode.ADAPTER_REMOVED)) return undefined;
    throw error;
  }
}
