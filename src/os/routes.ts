/** The routes of this machine, as the kernel lists them in /proc. */

import { readFileSync } from 'node:fs';
import { formatAddress } from '../wire/address.ts';
import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';

const HEX = 16;
const IPV4_HEX_DIGITS = 8;
/** Columns of /proc/net/route behind the interface's name, and of /proc/net/ipv6_route. */
const IPV4_DESTINATION = 1;
const IPV4_MASK = 7;
const IPV6_DESTINATION = 0;
const IPV6_LENGTH = 1;

/** Destinations of all routes but the defaults, as `address/length`. None where there is no /proc. */
export function routedNetworks(): string[] {
  const four = lines('/proc/net/route')
    .slice(1)
    .map((columns) => {
      const mask = bytesOf(columns[IPV4_MASK] ?? '', true);
      const length = mask.reduce((sum, byte) => sum + ones(byte), 0);
      return `${formatAddress(bytesOf(columns[IPV4_DESTINATION] ?? '', true), 0, 4)}/${length}`;
    });
  const six = lines('/proc/net/ipv6_route').map((columns) => {
    const length = Number.parseInt(columns[IPV6_LENGTH] ?? '', HEX);
    return `${formatAddress(bytesOf(columns[IPV6_DESTINATION] ?? '', false), 0, 6)}/${length}`;
  });
  return [...four, ...six].filter((text) => !text.endsWith('/0'));
}

function lines(path: string): string[][] {
  try {
    const text = readFileSync(path, 'latin1').trim();
    return text === '' ? [] : text.split('\n').map((line) => line.trim().split(/\s+/));
  } catch {
    return [];
  }
}

/** The address that hexadecimal digits stand for; /proc/net/route writes its words as numbers. */
function bytesOf(hex: string, asNumber: boolean): Uint8Array {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
  return asNumber && HOST_LITTLE_ENDIAN && hex.length === IPV4_HEX_DIGITS ? bytes.reverse() : bytes;
}

function ones(byte: number): number {
  let count = 0;
  for (let rest = byte; rest > 0; rest >>>= 1) count += rest & 1;
  return count;
}
