/** What IPv4 and IPv6 headers have in common: version, addresses, kind of destination, pseudo header. */

import { IPV4_ADDRESS_BYTES, IPV6_ADDRESS_BYTES } from '../limits.ts';
import { sum } from './checksum.ts';
import { IPV4_DESTINATION, IPV4_SOURCE } from './ipv4.ts';
import { IPV6_DESTINATION, IPV6_SOURCE } from './ipv6.ts';

const VERSION_SHIFT = 4;
const IPV4_VERSION = 4;
const IPV6_VERSION = 6;

/** IPv4 multicast is 224.0.0.0/4 (RFC 5771). */
const IPV4_MULTICAST_NIBBLE = 0xe;
/** IPv6 multicast is ff00::/8 (RFC 4291, section 2.7). */
const IPV6_MULTICAST_BYTE = 0xff;
const BROADCAST_BYTE = 0xff;

/** Protocol numbers (IANA). */
export const IP_PROTOCOL_ICMP = 1;
export const IP_PROTOCOL_TCP = 6;
export const IP_PROTOCOL_UDP = 17;
export const IP_PROTOCOL_ICMPV6 = 58;

/** Kinds of destination, as the adapter counts them. */
export const DestinationKind = { UNICAST: 0, MULTICAST: 1, BROADCAST: 2 } as const;
export type DestinationKind = (typeof DestinationKind)[keyof typeof DestinationKind];

/** IP version of the packet at `offset`: 4, 6, or 0 for anything else. */
export function ipVersion(bytes: Uint8Array, offset: number): 4 | 6 | 0 {
  const version = bytes[offset]! >>> VERSION_SHIFT;
  return version === IPV4_VERSION || version === IPV6_VERSION ? version : 0;
}

/**
 * Exchanges source and destination of the packet at `offset`, in place. Checksums stay valid: they
 * are sums, in which the order of the two does not matter. Does nothing to what is not IP.
 */
export function swapAddresses(bytes: Uint8Array, offset: number): void {
  const version = ipVersion(bytes, offset);
  if (version === IPV4_VERSION) swap(bytes, offset + IPV4_SOURCE, IPV4_ADDRESS_BYTES);
  else if (version === IPV6_VERSION) swap(bytes, offset + IPV6_SOURCE, IPV6_ADDRESS_BYTES);
}

/** Exchanges two neighbouring fields of `length` bytes. */
function swap(bytes: Uint8Array, at: number, length: number): void {
  for (let i = at; i < at + length; i++) {
    const byte = bytes[i]!;
    bytes[i] = bytes[i + length]!;
    bytes[i + length] = byte;
  }
}

/** Kind of the destination of the packet at `offset`. A subnet's own broadcast counts as unicast. */
export function destinationKind(bytes: Uint8Array, offset: number): DestinationKind {
  const version = ipVersion(bytes, offset);
  if (version === IPV6_VERSION) {
    return bytes[offset + IPV6_DESTINATION] === IPV6_MULTICAST_BYTE
      ? DestinationKind.MULTICAST
      : DestinationKind.UNICAST;
  }
  if (version !== IPV4_VERSION) return DestinationKind.UNICAST;
  const at = offset + IPV4_DESTINATION;
  if (bytes[at]! >>> VERSION_SHIFT === IPV4_MULTICAST_NIBBLE) return DestinationKind.MULTICAST;
  for (let i = 0; i < IPV4_ADDRESS_BYTES; i++) {
    if (bytes[at + i] !== BROADCAST_BYTE) return DestinationKind.UNICAST;
  }
  return DestinationKind.BROADCAST;
}

/**
 * Sum of the pseudo header of the IP packet at `ipOffset` (RFC 9293, section 3.1; RFC 8200, section
 * 8.1): its addresses, the protocol, and the length of what follows the IP headers. To be passed as
 * `initial` to `checksum`.
 */
export function pseudoHeaderSum(
  bytes: Uint8Array,
  ipOffset: number,
  protocol: number,
  upperLayerBytes: number,
): number {
  const rest = protocol + upperLayerBytes;
  return ipVersion(bytes, ipOffset) === IPV4_VERSION
    ? sum(bytes, ipOffset + IPV4_SOURCE, 2 * IPV4_ADDRESS_BYTES, rest)
    : sum(bytes, ipOffset + IPV6_SOURCE, 2 * IPV6_ADDRESS_BYTES, rest);
}
