/** Addresses, networks and numbers of filters. */

import { IPV4_ADDRESS_BYTES } from '../../limits.ts';
import { type Prefix, parseAddress } from '../../wire/address.ts';
import { filterError, type Token } from './tokens.ts';

const DIGITS = /^[0-9]+$/;
/** An IPv4 network may leave out the zeros at its end: `10.7`. */
const PART_OF_IPV4 = /^[0-9]+(?:\.[0-9]+){0,3}$/;
const RANGE = /^([0-9]+)-([0-9]+)$/;
const MAX_PORT = 0xffff;
const BITS_PER_BYTE = 8;
const BYTE = 0xff;

/** @throws TypeError for another than a whole number up to `most`. */
export function numberOf(filter: string, token: Token, most: number): number {
  const value = DIGITS.test(token.text) ? Number(token.text) : Number.POSITIVE_INFINITY;
  if (value <= most) return value;
  throw filterError(filter, token, `is where a number from 0 to ${most} belongs`);
}

/** @throws TypeError for what is no port, or no range of ports where one is wanted. */
export function portRangeOf(
  filter: string,
  token: Token,
  isRange: boolean,
): { readonly from: number; readonly to: number } {
  const [, first, last] = (isRange ? RANGE.exec(token.text) : null) ?? ['', token.text, token.text];
  if (!DIGITS.test(first) || Number(first) > MAX_PORT || Number(last) > MAX_PORT) {
    const wanted = isRange
      ? 'two ports such as 8000-8100 belong'
      : 'a port from 0 to 65535 belongs';
    throw filterError(filter, token, `is where ${wanted}; names of services are not known`);
  }
  // Either way round, as pcap takes them.
  const ends = [Number(first), Number(last)];
  return { from: Math.min(...ends), to: Math.max(...ends) };
}

/** @throws TypeError for what is no address of one host. */
export function hostOf(filter: string, token: Token): Prefix {
  if (token.text.includes('/'))
    throw filterError(filter, token, 'is a network; put "net" before it');
  const address = addressOf(
    filter,
    token,
    token.text,
    'an address such as 10.7.0.1 or fd07::1 belongs; names are not known',
  );
  return { ...address, length: address.address.length * BITS_PER_BYTE };
}

/** @throws TypeError for what is no network, or one with bits beyond its prefix. */
export function netOf(filter: string, token: Token, mask: Token | undefined): Prefix {
  const slash = token.text.indexOf('/');
  const text = slash < 0 ? token.text : token.text.slice(0, slash);
  const given = PART_OF_IPV4.test(text) ? text.split('.').length : 0;
  const whole = given === 0 ? text : [...text.split('.'), ...ZEROS.slice(given)].join('.');
  const found = addressOf(
    filter,
    token,
    whole,
    'a network such as 10.7.0.0/16 or fd07::/64 belongs',
  );
  const bits = found.address.length * BITS_PER_BYTE;
  let length = given === 0 ? bits : given * BITS_PER_BYTE;
  if (mask !== undefined) length = maskLength(filter, mask, found.family);
  else if (slash >= 0) length = lengthOf(filter, token, slash, bits);
  if (hasMore(found.address, length)) {
    throw filterError(filter, token, `has bits beyond its prefix of ${length}; write them as 0`);
  }
  return { ...found, length };
}

const ZEROS: readonly string[] = new Array(IPV4_ADDRESS_BYTES).fill('0');

function addressOf(
  filter: string,
  token: Token,
  text: string,
  wanted: string,
): Omit<Prefix, 'length'> {
  try {
    const address = parseAddress(text);
    return { family: address.length === IPV4_ADDRESS_BYTES ? 4 : 6, address };
  } catch {
    throw filterError(filter, token, `is where ${wanted}`);
  }
}

function lengthOf(filter: string, token: Token, slash: number, bits: number): number {
  const text = token.text.slice(slash + 1);
  const at = token.at + slash + 1;
  return numberOf(filter, { text, at }, bits);
}

/** Of a mask whose bits are one run, as in `net 10.7.0.0 mask 255.255.0.0`. */
function maskLength(filter: string, mask: Token, family: 4 | 6): number {
  if (family === 6)
    throw filterError(filter, mask, 'is a mask, which IPv6 has not; write net fd07::/64');
  const { address } = addressOf(filter, mask, mask.text, 'a mask such as 255.255.0.0 belongs');
  const bits = [...address].map((byte) => byte.toString(2).padStart(BITS_PER_BYTE, '0')).join('');
  const length = bits.indexOf('0') < 0 ? bits.length : bits.indexOf('0');
  if (!bits.slice(length).includes('1')) return length;
  throw filterError(filter, mask, 'has ones behind zeros; give a mask such as 255.255.0.0');
}

/** Whether there are ones beyond the first `length` bits. */
function hasMore(address: Uint8Array, length: number): boolean {
  return address.some((byte, i) => {
    const kept = Math.min(Math.max(length - i * BITS_PER_BYTE, 0), BITS_PER_BYTE);
    return (byte & (BYTE >> kept)) !== 0;
  });
}
