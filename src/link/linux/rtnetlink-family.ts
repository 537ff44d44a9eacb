/** Address families as rtnetlink numbers them. */

import { IPV4_ADDRESS_BYTES, IPV6_ADDRESS_BYTES } from '../../limits.ts';

/** bits/socket.h. */
const AF_INET = 2;
const AF_INET6 = 10;

export const BITS_PER_BYTE = 8;

export function familyNumber(family: 4 | 6): number {
  return family === 4 ? AF_INET : AF_INET6;
}

/** The IP version, or undefined for any other family. */
export function ipFamily(number: number): 4 | 6 | undefined {
  return number === AF_INET ? 4 : number === AF_INET6 ? 6 : undefined;
}

/** Bytes of an address. */
export function addressBytes(family: 4 | 6): number {
  return family === 4 ? IPV4_ADDRESS_BYTES : IPV6_ADDRESS_BYTES;
}
