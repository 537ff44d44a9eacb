/**
 * IPv4 and IPv6 addresses and prefixes, text to bytes and back. Canonical text is dotted decimal for
 * IPv4 and RFC 5952 for IPv6. Zone identifiers (`%eth0`) are refused: an adapter has none.
 */

import { IPV4_ADDRESS_BYTES, IPV6_ADDRESS_BYTES } from '../limits.ts';

/** An address with a prefix length. */
export interface Prefix {
  readonly family: 4 | 6;
  /** 4 or 16 bytes, in network order, host bits as given. */
  readonly address: Uint8Array;
  /** 0 to 32, or 0 to 128. */
  readonly length: number;
}

const BITS_PER_BYTE = 8;
const HEX = 16;
const GROUP_BYTES = 2;
const GROUPS: number = IPV6_ADDRESS_BYTES / GROUP_BYTES;
const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const GROUP = /^[0-9a-f]{1,4}$/i;
const PREFIX_LENGTH = /^(?:0|[1-9][0-9]*)$/;
const MAX_OCTET = 255;

/**
 * Parses an address into 4 or 16 bytes.
 *
 * @throws TypeError naming the text and an example of what is taken.
 */
export function parseAddress(text: string): Uint8Array {
  const bytes =
    typeof text !== 'string' ? undefined : text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  if (bytes !== undefined) return bytes;
  throw new TypeError(`"${text}" is no IP address; write one like 10.7.0.1 or fd07::1`);
}

/** Formats the address of `family` at `offset`. */
export function formatAddress(bytes: Uint8Array, offset: number, family: 4 | 6): string {
  if (family === 4) return bytes.slice(offset, offset + IPV4_ADDRESS_BYTES).join('.');
  const groups = Array.from({ length: GROUPS }, (_, i) => {
    const at = offset + i * GROUP_BYTES;
    return ((bytes[at]! << BITS_PER_BYTE) | bytes[at + 1]!).toString(HEX);
  });
  return compress(groups);
}

/**
 * Parses an address with prefix length, such as `10.7.0.1/24`.
 *
 * @throws TypeError for the form, RangeError for a length beyond 32 or 128.
 */
export function parsePrefix(text: string): Prefix {
  const slash = typeof text === 'string' ? text.indexOf('/') : -1;
  if (slash < 0) {
    throw new TypeError(
      `"${text}" has no prefix length; write an address with one, like 10.7.0.1/24 or fd07::1/64`,
    );
  }
  const address = parseAddress(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  const most = address.length * BITS_PER_BYTE;
  if (!PREFIX_LENGTH.test(digits)) {
    throw new TypeError(
      `"${text}" has the prefix length "${digits}"; write a number up to ${most}`,
    );
  }
  if (Number(digits) > most) {
    throw new RangeError(`"${text}" has the prefix length ${digits}; at most ${most} is possible`);
  }
  return {
    family: address.length === IPV4_ADDRESS_BYTES ? 4 : 6,
    address,
    length: Number(digits),
  };
}

/** Formats a prefix; the opposite of {@link parsePrefix}. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.address, 0, prefix.family)}/${prefix.length}`;
}

/** Whether the address at `offset`, of the prefix's family, lies in the prefix. */
export function prefixContains(prefix: Prefix, bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < prefix.address.length; i++) {
    if (((prefix.address[i]! ^ bytes[offset + i]!) & maskByte(prefix.length, i)) !== 0)
      return false;
  }
  return true;
}

/** The prefix with its host bits zero. */
export function networkOf(prefix: Prefix): Prefix {
  const address = prefix.address.map((byte, i) => byte & maskByte(prefix.length, i));
  return { ...prefix, address };
}

/** Byte `index` of the mask of `length` bits. */
function maskByte(length: number, index: number): number {
  const bits = Math.min(Math.max(length - index * BITS_PER_BYTE, 0), BITS_PER_BYTE);
  return (MAX_OCTET << (BITS_PER_BYTE - bits)) & MAX_OCTET;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const octets = text.split('.');
  if (octets.length !== IPV4_ADDRESS_BYTES) return undefined;
  if (!octets.every((octet) => OCTET.test(octet) && Number(octet) <= MAX_OCTET)) return undefined;
  return Uint8Array.from(octets, Number);
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const front = parseGroups(halves[0]!, halves.length === 1);
  const back = halves.length === 1 ? [] : parseGroups(halves[1]!, true);
  if (front === undefined || back === undefined) return undefined;
  const missing = IPV6_ADDRESS_BYTES - front.length - back.length;
  // A double colon stands for at least one group; without one nothing may be missing.
  if (halves.length === 1 ? missing !== 0 : missing < GROUP_BYTES) return undefined;
  return Uint8Array.from([...front, ...new Array<number>(missing).fill(0), ...back]);
}

/** Bytes of groups separated by colons; the last may be an IPv4 address if `ipv4Last`. */
function parseGroups(text: string, ipv4Last: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [i, group] of groups.entries()) {
    if (ipv4Last && i === groups.length - 1 && group.includes('.')) {
      const embedded = parseIpv4(group);
      if (embedded === undefined) return undefined;
      bytes.push(...embedded);
    } else {
      if (!GROUP.test(group)) return undefined;
      const value = Number.parseInt(group, HEX);
      bytes.push(value >>> BITS_PER_BYTE, value & MAX_OCTET);
    }
  }
  return bytes;
}

/** Replaces the first longest run of two or more zero groups by `::` (RFC 5952, section 4.2). */
function compress(groups: readonly string[]): string {
  let start = -1;
  let length = 1;
  for (let i = 0; i < groups.length; i++) {
    let run = 0;
    while (groups[i + run] === '0') run++;
    if (run > length) {
      start = i;
      length = run;
    }
  }
  if (start < 0) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}
