/** The routes that the link sets through its device. */

import { MIN_MTU_IPV6 } from '../../limits.ts';
import { Errno } from '../../os/libc.ts';
import type { NetlinkSocket } from '../../os/netlink-socket.ts';
import { formatPrefix, parsePrefix } from '../../wire/address.ts';
import type { RouteConfig } from '../link.ts';
import { readRoutes } from './device-state.ts';
import { ask, type Intent } from './refusals.ts';
import {
  changeRoute,
  type DeviceRoute,
  effectiveMetric,
  type InterfaceRoute,
} from './rtnetlink-route.ts';

const FAMILIES = [4, 6] as const;

/**
 * Takes those of `present` away that are not wanted, then adds the wanted ones that are missing. The
 * device must be up. A wanted route that the kernel has made itself (to the network of an address)
 * is there already and stays the kernel's.
 *
 * @throws TunError as {@link ask}.
 */
export function replaceRoutes(
  socket: NetlinkSocket,
  index: number,
  present: readonly RouteConfig[],
  wanted: readonly RouteConfig[],
): void {
  for (const family of FAMILIES) {
    const old = ofFamily(present, family);
    const target = ofFamily(wanted, family);
    if (old.length + target.length === 0) continue;
    const found = readRoutes(socket, index, family);
    for (const route of old) {
      const there = found.some((one) => isSame(one, route));
      if (there && !target.some((one) => keyOf(one) === keyOf(route))) remove(socket, index, route);
    }
    for (const route of target) {
      if (!found.some((one) => isSame(one, route))) add(socket, index, route);
    }
  }
}

/** Those of `wanted` that the device does not have. */
export function missingRoutes(
  socket: NetlinkSocket,
  index: number,
  wanted: readonly RouteConfig[],
): string[] {
  return FAMILIES.flatMap((family) => {
    const target = ofFamily(wanted, family);
    if (target.length === 0) return [];
    const found = readRoutes(socket, index, family);
    return target
      .filter((route) => !found.some((one) => isSame(one, route)))
      .map((route) => describe(route));
  });
}

function remove(socket: NetlinkSocket, index: number, route: DeviceRoute): void {
  ask(socket, changeRoute(index, route, false), {
    what: `removing ${describe(route)}`,
    // Somebody else removed it, or it is the kernel's own: the request names our protocol.
    harmless: [Errno.ESRCH],
  });
}

function add(socket: NetlinkSocket, index: number, route: DeviceRoute): void {
  const ipv6 = route.destination.family === 6;
  const intent: Intent = {
    what: describe(route),
    ipv6,
    remedies: {
      ...(ipv6 && { [Errno.ENODEV]: `the device has no IPv6; is its MTU below ${MIN_MTU_IPV6}?` }),
      [Errno.EEXIST]:
        'there is a route to it with the same metric, perhaps through another interface; remove that one, or give this one another metric',
      [Errno.EINVAL]: 'give a destination prefix whose host bits are zero',
      [Errno.ENETDOWN]: 'the device is down; bring it up first',
    },
  };
  ask(socket, changeRoute(index, route, true), intent);
}

function ofFamily(routes: readonly RouteConfig[], family: 4 | 6): DeviceRoute[] {
  return routes
    .map(({ destination, metric }) => ({ destination: parsePrefix(destination), metric }))
    .filter((route) => route.destination.family === family);
}

function isSame(found: InterfaceRoute, { destination, metric }: DeviceRoute): boolean {
  return (
    found.destination === formatPrefix(destination) &&
    found.metric === effectiveMetric(destination.family, metric)
  );
}

function keyOf({ destination, metric }: DeviceRoute): string {
  return `${formatPrefix(destination)} ${effectiveMetric(destination.family, metric)}`;
}

function describe({ destination, metric }: DeviceRoute): string {
  const suffix = metric === undefined ? '' : ` with metric ${metric}`;
  return `the route to ${formatPrefix(destination)}${suffix}`;
}
