/** The far side that is the in-process host: it answers ping, UDP echo on port 7, and DNS out of a table. */

import { Adapter, formatAddress } from '../../index.ts';
import { type Prefix, formatPrefix, networkOf, parsePrefix } from '../../wire/address.ts';
import { adapterSide } from './adapter-side.ts';
import { answerQuery, DNS_PORT, type NameTable } from './dns.ts';
import type { FarSide } from './far-side.ts';

/** Opens the host, with the neighbours of the command's addresses as its own. */
export async function openHost(
  commandAddresses: readonly string[],
  mtu: number,
  names: NameTable,
): Promise<FarSide> {
  const { MemoryHost } = await import('../../testing.ts');
  const host = new MemoryHost();
  const prefixes = commandAddresses.map((text) => neighbour(parsePrefix(text)));
  const adapter = await Adapter.create({
    link: host.provider(),
    addresses: prefixes.map(formatPrefix),
    mtu,
  });
  const socket = host.bindUdp(DNS_PORT, ({ data, sourceAddress, sourcePort }) => {
    const answer = answerQuery(data, names);
    if (answer !== undefined) socket.send(answer, sourceAddress, sourcePort);
  });
  const own = prefixes.map(({ address, family }) => formatAddress(address, 0, family));
  return {
    ...adapterSide(adapter, `the in-process host, ${own.join(' and ')}`),
    dns: own,
  };
}

/** The address after the given one in its network, or the one before it where that is the last. */
export function neighbour(prefix: Prefix): Prefix {
  const next = step(prefix, 1);
  const network = formatPrefix(networkOf(prefix));
  const inside = formatPrefix(networkOf(next)) === network;
  return inside && !isBroadcast(next) ? next : step(prefix, -1);
}

function step(prefix: Prefix, by: 1 | -1): Prefix {
  const address = Uint8Array.from(prefix.address);
  for (let i = address.length - 1; i >= 0; i--) {
    const byte = address[i]! + by;
    address[i] = byte;
    if (address[i] === byte) break;
  }
  return { ...prefix, address };
}

/** The last address of an IPv4 network, which means all of its hosts. */
function isBroadcast({ family, address, length }: Prefix): boolean {
  if (family === 6 || length >= MAX_NETWORK_LENGTH) return false;
  const last = step({ family, address, length }, 1);
  return formatPrefix(networkOf(last)) !== formatPrefix(networkOf({ family, address, length }));
}

/** From this length on an IPv4 network has no broadcast address (RFC 3021). */
const MAX_NETWORK_LENGTH = 31;
