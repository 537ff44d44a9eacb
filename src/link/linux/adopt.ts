/**
 * Sets up a device that somebody else made: only what was asked for, and of that only what is not so
 * already, since each change takes a right that this process may not have.
 */

import { isTunError, TunErrorCode } from '../../errors.ts';
import { Errno } from '../../os/libc.ts';
import type { NetlinkSocket } from '../../os/netlink-socket.ts';
import type { AttachConfig } from '../link.ts';
import {
  SUPER_PACKET_LIMITS,
  set,
  setAddressGeneration,
  setUp as setDeviceUp,
  setSuperPacketLimits,
} from './configure.ts';
import type { SetUp } from './control.ts';
import { readLink } from './device-state.ts';
import { replaceAddresses } from './own-addresses.ts';
import { replaceRoutes } from './own-routes.ts';
import { verify } from './read-back.ts';
import { AddressGeneration, type LinkState } from './rtnetlink-link.ts';

/**
 * Brings the device to what `config` says, reads it back, and tells how it is now. A device that is down
 * is brought up, or, where that is not allowed, left down with a warning. What was set stays when a later
 * step fails, and when the link is closed.
 *
 * @throws TunError `NO_PRIVILEGE` naming what is not so and may not be set; `CONFIGURATION`,
 * `ADAPTER_REMOVED`.
 */
export function adoptDevice(socket: NetlinkSocket, index: number, config: AttachConfig): SetUp {
  const before = readLink(socket, index);
  const { mtu = before.mtu, hostQueueLength: queueLength = before.queueLength } = config;
  const { ipv6LinkLocal, addresses = [], routes = [] } = config;
  if (ipv6LinkLocal !== undefined && !isLinkLocalAs(before, ipv6LinkLocal)) {
    setAddressGeneration(socket, index, ipv6LinkLocal);
  }
  if (mtu !== before.mtu) set(socket, index, { mtu }, `the MTU ${mtu}`);
  if (queueLength !== before.queueLength) {
    set(socket, index, { queueLength }, `the host queue length ${queueLength}`);
  }
  if (config.offload !== 'off' && !hasLimits(before)) {
    // Without the right the kernel makes larger ones, as it does where it has no such setting.
    setSuperPacketLimits(socket, index, [Errno.EPERM]);
  }
  const up = before.up || bringUp(socket, index, before.name);
  replaceAddresses(socket, index, [], addresses);
  if (up) replaceRoutes(socket, index, [], routes);
  const info = verify(socket, index, {
    mtu,
    up,
    addresses,
    routes: up ? routes : [],
    queueLength,
    ...(ipv6LinkLocal === undefined ? {} : { ipv6LinkLocal }),
  });
  const own = { addresses, routes, ipv6LinkLocal: ipv6LinkLocal ?? makesLinkLocal(before) };
  return { info, own, hostQueueLength: queueLength };
}

function makesLinkLocal({ addressGeneration }: LinkState): boolean {
  return addressGeneration !== undefined && addressGeneration !== AddressGeneration.NONE;
}

function isLinkLocalAs({ addressGeneration }: LinkState, wanted: boolean): boolean {
  if (wanted) return addressGeneration === AddressGeneration.RANDOM;
  return addressGeneration === undefined || addressGeneration === AddressGeneration.NONE;
}

function hasLimits({ gsoMaxSize, gsoMaxSegments }: LinkState): boolean {
  const { gsoMaxSize: bytes, gsoMaxSegments: segments } = SUPER_PACKET_LIMITS;
  return (gsoMaxSize ?? bytes) <= bytes && (gsoMaxSegments ?? segments) <= segments;
}

/** Returns whether it is up now. */
function bringUp(socket: NetlinkSocket, index: number, name: string): boolean {
  try {
    setDeviceUp(socket, index, true);
    return true;
  } catch (error) {
    if (!isTunError(error, TunErrorCode.NO_PRIVILEGE)) throw error;
    process.emitWarning(
      `the interface "${name}" is down and this process may not bring it up: no packet passes until somebody does ("ip link set ${name} up", as root)`,
      'TypetunWarning',
    );
    return false;
  }
}
