/** The addresses that the link gives its device. */

import { Errno } from '../../os/libc.ts';
import type { NetlinkSocket } from '../../os/netlink-socket.ts';
import { formatPrefix, parsePrefix } from '../../wire/address.ts';
import type { AddressWithPrefix } from '../link.ts';
import { readAddresses } from './device-state.ts';
import { ask } from './refusals.ts';
import { changeAddress } from './rtnetlink-address.ts';

/**
 * Takes those of `present` away that are not wanted, then adds the wanted ones that are missing.
 * Addresses that are neither are somebody else's and stay.
 *
 * @throws TunError as {@link ask}.
 */
export function replaceAddresses(
  socket: NetlinkSocket,
  index: number,
  present: readonly AddressWithPrefix[],
  wanted: readonly AddressWithPrefix[],
): void {
  const target = wanted.map(canonical);
  const found = readAddresses(socket, index);
  for (const address of present.map(canonical)) {
    if (!target.includes(address) && found.includes(address)) remove(socket, index, address);
  }
  // Read anew: with the first IPv4 address of a subnet the kernel removes the others of the subnet.
  const left = new Set(readAddresses(socket, index));
  for (const address of target) if (!left.has(address)) add(socket, index, address);
}

function remove(socket: NetlinkSocket, index: number, address: AddressWithPrefix): void {
  ask(socket, changeAddress(index, parsePrefix(address), false), {
    what: `removing the address ${address}`,
    // It went with an earlier one, or somebody else removed it.
    harmless: [Errno.EADDRNOTAVAIL],
  });
}

function add(socket: NetlinkSocket, index: number, address: AddressWithPrefix): void {
  const prefix = parsePrefix(address);
  ask(socket, changeAddress(index, prefix, true), {
    what: `the address ${address}`,
    ipv6: prefix.family === 6,
    remedies: {
      [Errno.EEXIST]: 'the device has it already, perhaps with another prefix length; give it once',
      [Errno.EADDRNOTAVAIL]:
        'this is no address that an interface can have; give a unicast address',
    },
  });
}

function canonical(address: AddressWithPrefix): AddressWithPrefix {
  return formatPrefix(parsePrefix(address));
}
