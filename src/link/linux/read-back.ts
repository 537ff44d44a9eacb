/** Reads back what was set: the kernel may accept a request and somebody else may undo it. */

import { TunError, TunErrorCode } from '../../errors.ts';
import type { NetlinkSocket } from '../../os/netlink-socket.ts';
import { formatPrefix, parsePrefix } from '../../wire/address.ts';
import type { LinkConfig, LinkInfo } from '../link.ts';
import { infoOf, readLink } from './device-state.ts';
import { missingRoutes } from './own-routes.ts';
import { IPV6_DISABLED } from './refusals.ts';
import { AddressGeneration, type LinkState } from './rtnetlink-link.ts';

/** What is to be found. */
export interface Expected extends Pick<LinkConfig, 'mtu' | 'addresses' | 'routes'> {
  readonly up: boolean;
  readonly queueLength?: number;
  readonly ipv6LinkLocal?: boolean;
}

/**
 * Reads the device and returns it.
 *
 * @throws TunError `CONFIGURATION` naming what was set and is not there.
 */
export function verify(socket: NetlinkSocket, index: number, expected: Expected): LinkInfo {
  const { mtu, up, queueLength, ipv6LinkLocal, addresses, routes } = expected;
  const link = readLink(socket, index);
  const info = infoOf(socket, link);
  const { name } = link;
  if (link.mtu !== mtu) throw notKept(name, `the MTU ${mtu}`, link.mtu);
  if (link.up !== up) throw notKept(name, up ? 'the state up' : 'the state down', stateOf(link.up));
  if (queueLength !== undefined && link.queueLength !== queueLength) {
    throw notKept(name, `the host queue length ${queueLength}`, link.queueLength);
  }
  if (ipv6LinkLocal !== undefined) verifyLinkLocal(link, ipv6LinkLocal);
  for (const address of addresses) {
    const text = formatPrefix(parsePrefix(address));
    if (info.addresses.includes(text)) continue;
    throw notKept(name, `the address ${text}`, info.addresses.join(', ') || 'no address');
  }
  const [missing] = missingRoutes(socket, index, routes);
  if (missing !== undefined) throw notKept(name, missing, 'no such route');
  return info;
}

/** The address itself comes later, when the device has carrier; so it is the setting that counts. */
function verifyLinkLocal({ name, hasIpv6, addressGeneration }: LinkState, wanted: boolean): void {
  if (wanted && !hasIpv6) {
    throw new TunError(
      TunErrorCode.CONFIGURATION,
      `ipv6LinkLocal true has no effect on "${name}": ${IPV6_DISABLED}`,
    );
  }
  const mode = wanted ? AddressGeneration.RANDOM : AddressGeneration.NONE;
  if (addressGeneration === mode || (addressGeneration === undefined && !wanted)) return;
  throw notKept(name, `ipv6LinkLocal ${wanted}`, `address generation mode ${addressGeneration}`);
}

function stateOf(up: boolean): string {
  return up ? 'up' : 'down';
}

function notKept(name: string, wanted: string, found: string | number): TunError {
  return new TunError(
    TunErrorCode.CONFIGURATION,
    `the system took ${wanted} for "${name}" and did not keep it: it has ${found}; does another program (NetworkManager, a DHCP client) manage the interface?`,
  );
}
