/**
 * Sets a device up as it is wanted, and reads back that it is so. No outside command: five spawns of
 * `ip` take 13 ms and need it to be installed, the same requests here half a millisecond.
 */

import { MAX_PACKET_BYTES, MAX_SUPER_PACKET_SEGMENTS, MIN_MTU_IPV6 } from '../../limits.ts';
import { Errno } from '../../os/libc.ts';
import type { NetlinkSocket } from '../../os/netlink-socket.ts';
import type { LinkConfig, LinkInfo, LinkReconfig } from '../link.ts';
import { readLink } from './device-state.ts';
import { replaceAddresses } from './own-addresses.ts';
import { replaceRoutes } from './own-routes.ts';
import { verify } from './read-back.ts';
import { ask, type Intent } from './refusals.ts';
import { AddressGeneration, changeLink, type LinkSettings } from './rtnetlink-link.ts';

/** What the link has set on the device, and is therefore the link's to take away again. */
export type OwnSettings = Pick<LinkConfig, 'addresses' | 'routes' | 'ipv6LinkLocal'>;

/** Every super-packet fits an entry, and what it is split into fits a bundle. */
export const SUPER_PACKET_LIMITS: Readonly<{ gsoMaxSize: number; gsoMaxSegments: number }> = {
  gsoMaxSize: MAX_PACKET_BYTES,
  gsoMaxSegments: MAX_SUPER_PACKET_SEGMENTS,
};

/**
 * Configures a device that was just made, brings it up, reads it back, and returns it as it is.
 * When it fails the device is half configured: remove it.
 *
 * @throws TunError `CONFIGURATION` naming what was refused or did not stick, `NO_PRIVILEGE`,
 * `ADAPTER_REMOVED`.
 */
export function configureDevice(
  socket: NetlinkSocket,
  index: number,
  config: LinkConfig,
): LinkInfo {
  const { hostQueueLength: queueLength, ipv6LinkLocal } = config;
  setAddressGeneration(socket, index, ipv6LinkLocal);
  set(socket, index, { mtu: config.mtu }, `the MTU ${config.mtu}`);
  set(socket, index, { queueLength }, `the host queue length ${queueLength}`);
  if (config.offload !== 'off') setSuperPacketLimits(socket, index);
  setUp(socket, index, true);
  replaceAddresses(socket, index, [], config.addresses);
  replaceRoutes(socket, index, [], config.routes);
  return verify(socket, index, { ...config, queueLength, up: true });
}

/**
 * Changes what differs, reads back, and returns the device as it is. `own` is what the link has set
 * so far; of addresses and routes no others are taken away. Routes need a device that is up: until
 * then they wait, and are set by the change that brings it up.
 *
 * When it fails, the device is brought back to what it was as far as the kernel lets it.
 *
 * @throws as {@link configureDevice}.
 */
export function reconfigureDevice(
  socket: NetlinkSocket,
  index: number,
  own: OwnSettings,
  change: LinkReconfig,
): LinkInfo {
  const { mtu, up } = readLink(socket, index);
  try {
    return apply(socket, index, own, own, change);
  } catch (error) {
    const attempted = {
      ...own,
      addresses: [...own.addresses, ...(change.addresses ?? [])],
      routes: [...own.routes, ...(change.routes ?? [])],
    };
    const { addresses, routes } = own;
    try {
      apply(socket, index, attempted, own, { mtu, up, addresses, routes });
    } catch {
      // The first error is the one that tells what is wrong.
    }
    throw error;
  }
}

/** `present` may be taken away; `own` is what stays where `change` names nothing else. */
function apply(
  socket: NetlinkSocket,
  index: number,
  present: OwnSettings,
  own: OwnSettings,
  change: LinkReconfig,
): LinkInfo {
  const link = readLink(socket, index);
  const { mtu = link.mtu, up = link.up } = change;
  // Below its least MTU the kernel takes IPv6 off a device, addresses, settings and all. When the
  // MTU rises again over a device that is up, it makes a link-local address before it can be told
  // not to. Hence down for that moment.
  const ipv6Returns = link.mtu < MIN_MTU_IPV6 && mtu >= MIN_MTU_IPV6;
  const wasUp = link.up && !ipv6Returns;
  if (link.up && !wasUp) setUp(socket, index, false);
  if (mtu !== link.mtu) set(socket, index, { mtu }, `the MTU ${mtu}`);
  if (ipv6Returns) setAddressGeneration(socket, index, own.ipv6LinkLocal);
  if (up !== wasUp) setUp(socket, index, up);
  // Going down costs a device its routes and IPv6 addresses.
  const disturbed = ipv6Returns || up !== link.up;
  const addresses = change.addresses ?? (disturbed ? own.addresses : undefined);
  if (addresses !== undefined) replaceAddresses(socket, index, present.addresses, addresses);
  // So does losing the last address of a family.
  const routes = change.routes ?? (addresses === undefined ? undefined : own.routes);
  if (routes !== undefined && up) replaceRoutes(socket, index, present.routes, routes);
  return verify(socket, index, {
    mtu,
    up,
    addresses: addresses ?? [],
    routes: up ? (routes ?? []) : [],
  });
}

export function set(
  socket: NetlinkSocket,
  index: number,
  settings: LinkSettings,
  what: string,
): void {
  ask(socket, changeLink(index, settings), {
    what,
    remedies: { [Errno.EINVAL]: 'the kernel does not take this value for a TUN device' },
  });
}

/**
 * Sets {@link SUPER_PACKET_LIMITS}. A kernel without the setting (6.3 has the youngest) makes larger
 * super-packets, which the link can deal with, at more expense.
 */
export function setSuperPacketLimits(
  socket: NetlinkSocket,
  index: number,
  harmless: readonly number[] = [],
): void {
  ask(socket, changeLink(index, SUPER_PACKET_LIMITS), {
    what: 'the limits of super-packets',
    harmless: [Errno.EINVAL, Errno.EOPNOTSUPP, ...harmless],
  });
}

export function setUp(socket: NetlinkSocket, index: number, up: boolean): void {
  ask(socket, changeLink(index, { up }), { what: `bringing the device ${up ? 'up' : 'down'}` });
}

/** To be done before the device is up, or the kernel has made its address already. */
export function setAddressGeneration(
  socket: NetlinkSocket,
  index: number,
  linkLocal: boolean,
): void {
  const addressGeneration = linkLocal ? AddressGeneration.RANDOM : AddressGeneration.NONE;
  const intent: Intent = { what: `ipv6LinkLocal ${linkLocal}`, ipv6: true };
  // Without IPv6 there is no such setting, and no such address either.
  const harmless = linkLocal ? [] : [Errno.EAFNOSUPPORT, Errno.EOPNOTSUPP];
  ask(socket, changeLink(index, { addressGeneration }), { ...intent, harmless });
}
