/** Filters and packets for property tests: from so small a choice that they often hit. */

import fc from 'fast-check';
import type { Packet, Tree } from '../reference/filter.ts';
import { ipv4Fragments } from './flow-packets.ts';
import { echoPacket, ipPacket, udpPacket } from './ip-packets.ts';

const FOUR = ['10.7.0.1', '10.7.0.2', '10.7.1.130', '192.168.5.9'];
const SIX = ['fd07::1', 'fd07::2', 'fd07:0:0:1::1', '2001:db8::abcd'];
const PORTS = [53, 80, 443, 8000, 8080];
const ENDS = ['', 'src', 'dst', 'src or dst', 'src and dst'];

const end = fc.constantFrom(...ENDS);
const port = fc.constantFrom(...PORTS);

function network(address: string, length: number): string {
  const six = address.includes(':');
  const bytes = six ? expand(address) : address.split('.').map(Number);
  const kept = bytes.map((byte, i) => {
    const count = Math.min(Math.max(length - i * 8, 0), 8);
    return byte & (0xff << (8 - count)) & 0xff;
  });
  if (!six) return kept.join('.');
  const words = Array.from({ length: 8 }, (_, i) => (kept[i * 2]! << 8) | kept[i * 2 + 1]!);
  return words.map((word) => word.toString(16)).join(':');
}

function expand(address: string): number[] {
  const [front, back = ''] = address.split('::') as [string, string?];
  const list = (half: string): number[] =>
    half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16));
  const head = list(front);
  const tail = list(back);
  const words = [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
  return words.flatMap((word) => [word >> 8, word & 0xff]);
}

const primitive: fc.Arbitrary<Tree> = fc.oneof(
  fc
    .constantFrom('ip', 'ip6', 'tcp', 'udp', 'icmp', 'icmp6')
    .map((word): Tree => ({ op: 'word', word })),
  fc.record({
    op: fc.constant('proto' as const),
    version: fc.constantFrom('' as const, 'ip' as const, 'ip6' as const),
    number: fc.constantFrom(1, 6, 17, 58, 132),
  }),
  fc.record({
    op: fc.constant('host' as const),
    end,
    address: fc.constantFrom(...FOUR, ...SIX),
  }),
  fc
    .tuple(end, fc.constantFrom(...FOUR, ...SIX), fc.nat(128))
    .map(([end, address, wanted]): Tree => {
      const length = address.includes(':') ? wanted : wanted % 33;
      return { op: 'net', end, address: network(address, length), length };
    }),
  fc
    .tuple(end, fc.constantFrom('' as const, 'tcp' as const, 'udp' as const), port, port)
    .map(([end, protocol, a, b]): Tree => {
      return { op: 'port', end, protocol, from: Math.min(a, b), to: Math.max(a, b) };
    }),
  fc.record({
    op: fc.constantFrom('less' as const, 'greater' as const),
    bytes: fc.constantFrom(20, 28, 40, 48, 60, 100),
  }),
);

const direction: fc.Arbitrary<Tree> = fc
  .constantFrom('inbound', 'outbound')
  .map((word): Tree => ({ op: 'word', word }));

/** A filter. `directions`: with `inbound` and `outbound`, which tcpdump knows on some links alone. */
export function filterTree(directions: boolean): fc.Arbitrary<Tree> {
  return fc.letrec<{ tree: Tree; leaf: Tree }>((tie) => ({
    leaf: directions ? fc.oneof({ weight: 8, arbitrary: primitive }, direction) : primitive,
    tree: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      tie('leaf'),
      fc.record({
        op: fc.constantFrom('and' as const, 'or' as const),
        left: tie('tree'),
        right: tie('tree'),
      }),
      fc.record({ op: fc.constant('not' as const), of: tie('tree') }),
    ),
  })).tree;
}

const pair = fc.oneof(
  fc.tuple(fc.constantFrom(...FOUR), fc.constantFrom(...FOUR)),
  fc.tuple(fc.constantFrom(...SIX), fc.constantFrom(...SIX)),
);

/** A TCP segment, its checksum not filled in. */
function tcpPacket(from: string, fromPort: number, to: string, toPort: number, size: number) {
  const word = (value: number): number[] => [value >> 8, value & 0xff];
  const header = [...word(fromPort), ...word(toPort), 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2];
  const rest = new Array<number>(6 + size).fill(0);
  return ipPacket(6, from, to, [...header, ...rest]);
}

/** One packet; some of IPv4 are fragments. */
export const anyPacket: fc.Arbitrary<Packet> = fc
  .record({
    pair,
    kind: fc.constantFrom('udp', 'tcp', 'echo', 'other', 'fragment'),
    ports: fc.tuple(port, port),
    size: fc.nat(64),
    which: fc.nat(1),
    outbound: fc.boolean(),
  })
  .map(({ pair: [from, to], kind, ports: [a, b], size, which, outbound }) => {
    const data = new Uint8Array(size);
    const udp = (): Uint8Array => udpPacket(from, a, to, b, data);
    let bytes: Uint8Array;
    if (kind === 'tcp') bytes = tcpPacket(from, a, to, b, size);
    else if (kind === 'echo') bytes = echoPacket(from, to, data);
    else if (kind === 'other') bytes = ipPacket(132, from, to, [...new Uint8Array(12 + size)]);
    else if (kind === 'fragment' && !from.includes(':')) {
      bytes = ipv4Fragments(udpPacket(from, a, to, b, new Uint8Array(64)), 16)[which]!;
    } else bytes = udp();
    return { bytes, outbound };
  });
