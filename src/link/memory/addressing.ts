/**
 * Which addresses are the host's own, and which it reaches through the adapter: the networks of its
 * addresses, the routes configured, and, as there is no other interface, multicast and the limited
 * broadcast of each family it has an address of.
 */

import { IPV4_ADDRESS_BYTES } from '../../limits.ts';
import {
  formatPrefix,
  networkOf,
  type Prefix,
  parsePrefix,
  prefixContains,
} from '../../wire/address.ts';
import type { RouteConfig } from '../link.ts';

/** fe80::/10 (RFC 4291, section 2.5.6): the source for a link-local destination. */
const LINK_LOCAL: Prefix = networkOf(parsePrefix('fe80::/10'));

const IPV4_MULTICAST: Prefix = parsePrefix('224.0.0.0/4');
const IPV4_BROADCAST: Prefix = parsePrefix('255.255.255.255/32');
const IPV6_MULTICAST: Prefix = parsePrefix('ff00::/8');

export class Addressing {
  /** Canonical text, in the order given. */
  readonly addresses: readonly string[];
  readonly #own: readonly Prefix[];
  readonly #own4: readonly Prefix[];
  readonly #own6: readonly Prefix[];
  readonly #reached4: readonly Prefix[];
  readonly #reached6: readonly Prefix[];

  /** Throws what `parsePrefix` throws. */
  constructor(addresses: readonly string[], routes: readonly RouteConfig[]) {
    this.#own = addresses.map(parsePrefix);
    this.addresses = this.#own.map(formatPrefix);
    this.#own4 = this.#own.filter((prefix) => prefix.family === 4);
    this.#own6 = this.#own.filter((prefix) => prefix.family === 6);
    const networks = [...this.#own, ...routes.map((route) => parsePrefix(route.destination))];
    const group4 = this.#own4.length > 0 ? [IPV4_MULTICAST, IPV4_BROADCAST] : [];
    const group6 = this.#own6.length > 0 ? [IPV6_MULTICAST] : [];
    this.#reached4 = [...networks.filter((prefix) => prefix.family === 4), ...group4];
    this.#reached6 = [...networks.filter((prefix) => prefix.family === 6), ...group6];
  }

  get hasIpv6(): boolean {
    return this.#own6.length > 0;
  }

  /** Whether the address at `offset` is one of the host's. */
  owns(bytes: Uint8Array, offset: number, family: 4 | 6): boolean {
    const own = family === 4 ? this.#own4 : this.#own6;
    for (let i = 0; i < own.length; i++) {
      if (sameAddress(own[i]!.address, bytes, offset)) return true;
    }
    return false;
  }

  /** Whether packets to the address at `offset` go to the adapter. Never the host's own address. */
  reaches(bytes: Uint8Array, offset: number, family: 4 | 6): boolean {
    const reached = family === 4 ? this.#reached4 : this.#reached6;
    for (let i = 0; i < reached.length; i++) {
      if (prefixContains(reached[i]!, bytes, offset)) return !this.owns(bytes, offset, family);
    }
    return false;
  }

  /**
   * The host's address to send to `destination` from: one in its network, else the first of its
   * family that is not link-local, else the first. Undefined when the family has none.
   */
  sourceFor(destination: Uint8Array): Uint8Array | undefined {
    const own = destination.length === IPV4_ADDRESS_BYTES ? this.#own4 : this.#own6;
    const near = own.find((prefix) => prefixContains(prefix, destination, 0));
    const wide = own.find((prefix) => prefix.family === 4 || !isLinkLocal(prefix));
    return (near ?? wide ?? own[0])?.address;
  }
}

function isLinkLocal(prefix: Prefix): boolean {
  return prefixContains(LINK_LOCAL, prefix.address, 0);
}

function sameAddress(address: Uint8Array, bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < address.length; i++) {
    if (address[i] !== bytes[offset + i]) return false;
  }
  return true;
}
