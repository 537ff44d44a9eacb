/** Filters evaluated naively: on packets taken apart into objects, with addresses as bit strings. */

import { isIPv6 } from 'node:net';
import { addressBytes } from '../support/ip-packets.ts';

/** A filter as the test makes it. */
export type Tree =
  | { readonly op: 'and' | 'or'; readonly left: Tree; readonly right: Tree }
  | { readonly op: 'not'; readonly of: Tree }
  | { readonly op: 'word'; readonly word: string }
  | { readonly op: 'proto'; readonly version: '' | 'ip' | 'ip6'; readonly number: number }
  | { readonly op: 'host'; readonly end: string; readonly address: string }
  | {
      readonly op: 'net';
      readonly end: string;
      readonly address: string;
      readonly length: number;
    }
  | {
      readonly op: 'port';
      readonly end: string;
      readonly protocol: '' | 'tcp' | 'udp';
      readonly from: number;
      readonly to: number;
    }
  | { readonly op: 'less' | 'greater'; readonly bytes: number };

/** A packet without options and extension headers, and whether it left the host. */
export interface Packet {
  readonly bytes: Uint8Array;
  readonly outbound: boolean;
}

/** The text of a filter, with parentheses wherever they can be. */
export function textOf(tree: Tree): string {
  switch (tree.op) {
    case 'and':
    case 'or':
      return `(${textOf(tree.left)} ${tree.op} ${textOf(tree.right)})`;
    case 'not':
      return `not ${textOf(tree.of)}`;
    case 'word':
      return tree.word;
    case 'proto':
      return `${tree.version} proto ${tree.number}`.trim();
    case 'host':
      return `${tree.end} host ${tree.address}`.trim();
    case 'net':
      return `${tree.end} net ${tree.address}/${tree.length}`.trim();
    case 'port':
      return tree.from === tree.to
        ? `${tree.protocol} ${tree.end} port ${tree.from}`.trim().replace(/\s+/g, ' ')
        : `${tree.protocol} ${tree.end} portrange ${tree.from}-${tree.to}`
            .trim()
            .replace(/\s+/g, ' ');
    case 'less':
    case 'greater':
      return `${tree.op} ${tree.bytes}`;
  }
}

export function evaluate(tree: Tree, { bytes, outbound }: Packet): boolean {
  const six = bytes[0]! >> 4 === 6;
  const protocol = bytes[six ? 6 : 9]!;
  const payload = bytes.subarray(six ? 40 : 20);
  const later = !six && (((bytes[6]! << 8) | bytes[7]!) & 0x1fff) !== 0;
  const ends = (end: string, test: (which: 0 | 1) => boolean): boolean => {
    if (end === 'src') return test(0);
    if (end === 'dst') return test(1);
    return end === 'src and dst' ? test(0) && test(1) : test(0) || test(1);
  };
  const address = (which: 0 | 1): string => {
    const start = six ? 8 + which * 16 : 12 + which * 4;
    return bits([...bytes.subarray(start, start + (six ? 16 : 4))]);
  };
  switch (tree.op) {
    case 'and':
      return evaluate(tree.left, { bytes, outbound }) && evaluate(tree.right, { bytes, outbound });
    case 'or':
      return evaluate(tree.left, { bytes, outbound }) || evaluate(tree.right, { bytes, outbound });
    case 'not':
      return !evaluate(tree.of, { bytes, outbound });
    case 'word':
      return {
        ip: !six,
        ip6: six,
        tcp: protocol === 6,
        udp: protocol === 17,
        icmp: !six && protocol === 1,
        icmp6: six && protocol === 58,
        inbound: !outbound,
        outbound,
      }[tree.word]!;
    case 'proto':
      return protocol === tree.number && (tree.version === '' || (tree.version === 'ip6') === six);
    case 'host':
    case 'net': {
      if (isIPv6(tree.address) !== six) return false;
      const wanted = bits(addressBytes(tree.address));
      const length = tree.op === 'host' ? wanted.length : tree.length;
      return ends(tree.end, (which) => address(which).startsWith(wanted.slice(0, length)));
    }
    case 'port':
      if (
        later ||
        !(tree.protocol === '' ? [6, 17] : [tree.protocol === 'tcp' ? 6 : 17]).includes(protocol)
      )
        return false;
      return ends(tree.end, (which) => {
        const port = (payload[which * 2]! << 8) | payload[which * 2 + 1]!;
        return port >= tree.from && port <= tree.to;
      });
    case 'less':
    case 'greater':
      return tree.op === 'less' ? bytes.length <= tree.bytes : bytes.length >= tree.bytes;
  }
}

function bits(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
}
