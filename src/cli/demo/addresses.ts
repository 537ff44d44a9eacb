/** The addresses of the demo: the promised ones, or the first others that nobody uses. */

import { networkInterfaces } from 'node:os';
import { routedNetworks } from '../../os/routes.ts';
import { type Prefix, parsePrefix, prefixContains } from '../../wire/address.ts';
import type { DemoLink } from './rungs.ts';

/** One family's side of the reflector. */
export interface Side {
  /** The adapter's address with its prefix. */
  readonly prefix: string;
  readonly local: string;
  /** An address behind the adapter. */
  readonly remote: string;
}

export interface DemoAddresses {
  readonly 4: Side;
  readonly 6: Side;
  /** Why these are not the usual ones; undefined when they are. */
  readonly note: string | undefined;
}

/** Second octet of the usual network 10.7.0.0/24. */
const FIRST = 7;
/** Networks tried. */
const TRIES = 200;

function candidate(second: number): DemoAddresses {
  const four = `10.${second}.0`;
  // The usual network is fd07::/64; the others are told apart by their second group.
  const six = second === FIRST ? 'fd07:' : `fd07:${second}:`;
  return {
    4: { prefix: `${four}.1/24`, local: `${four}.1`, remote: `${four}.2` },
    6: { prefix: `${six}:1/64`, local: `${six}:1`, remote: `${six}:2` },
    note: undefined,
  };
}

/**
 * The addresses for a link: in process they meet nobody else's, so that the usual ones will do.
 *
 * @throws as {@link chooseAddresses}.
 */
export function addressesFor(
  link: DemoLink,
  used: () => readonly string[] = usedNetworks,
): DemoAddresses {
  return chooseAddresses(link === 'memory' ? [] : used());
}

/**
 * Networks that this machine's interfaces are in or that are routed elsewhere, as `address/length`.
 * Of the routes only those that would win over the adapter's own: Node's list of interfaces lacks
 * those without carrier, such as a stopped tunnel, but not their routes.
 */
export function usedNetworks(): string[] {
  const own = candidate(FIRST);
  const least = { 4: parsePrefix(own[4].prefix).length, 6: parsePrefix(own[6].prefix).length };
  return [
    ...Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .map((one) => one.cidr)
      .filter((cidr): cidr is string => cidr !== null),
    ...routedNetworks().filter((text) => {
      const { family, length } = parsePrefix(text);
      return length >= least[family];
    }),
  ];
}

/**
 * Chooses networks that overlap none of `used`.
 *
 * @throws Error when all that are tried are taken.
 */
export function chooseAddresses(used: readonly string[]): DemoAddresses {
  const taken = used.map(parsePrefix);
  for (let i = 0; i < TRIES; i++) {
    const addresses = candidate(FIRST + i);
    const own = [parsePrefix(addresses[4].prefix), parsePrefix(addresses[6].prefix)];
    if (own.some((prefix) => taken.some((other) => overlap(prefix, other)))) continue;
    if (i === 0) return addresses;
    const usual = candidate(FIRST);
    return {
      ...addresses,
      note: `${usual[4].prefix} or ${usual[6].prefix} is in use here; taking ${addresses[4].prefix} and ${addresses[6].prefix}`,
    };
  }
  throw new Error(`all of 10.${FIRST}.0.0/24 to 10.${FIRST + TRIES - 1}.0.0/24 are in use`);
}

function overlap(a: Prefix, b: Prefix): boolean {
  if (a.family !== b.family) return false;
  const wider = a.length <= b.length ? a : b;
  return prefixContains(wider, (wider === a ? b : a).address, 0);
}
