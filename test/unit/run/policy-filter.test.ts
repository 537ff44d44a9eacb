/** Policies applied to bundles: what passes, what is dropped, held back, rewritten, and counted. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Direction, type Flow, type Policy, PolicyFilter } from 'typetun/run';
import {
  bundleOf,
  checksumsRight,
  ipv4Fragments,
  ipv6Fragments,
  joined,
  packetsOf,
} from '../../support/flow-packets.ts';
import { echoPacket, ipPacket, pattern, udpPacket } from '../../support/ip-packets.ts';
import { transportPacket } from '../../support/transport-packets.ts';

const { OUT, IN } = Direction;
const query = udpPacket('10.7.0.1', 4000, '10.7.0.2', 53, pattern(64));
const answer = udpPacket('10.7.0.2', 53, '10.7.0.1', 4000, pattern(64, 1));
const ping = echoPacket('10.7.0.1', '10.7.0.2', pattern(8));

interface Subject {
  readonly filter: PolicyFilter;
  /** What was held back and has come, with its direction. */
  readonly due: [Direction, Uint8Array][];
  readonly errors: unknown[];
  /** The packets that pass. */
  pass(direction: Direction, ...packets: readonly Uint8Array[]): Uint8Array[];
}

function subject(policy: Policy, maxFlows = 64): Subject {
  const due: [Direction, Uint8Array][] = [];
  const errors: unknown[] = [];
  const filter = new PolicyFilter(policy, {
    mtu: 1500,
    maxFlows,
    onDue: (bytes, length, direction) => {
      for (const packet of packetsOf(bytes, length)) due.push([direction, packet]);
    },
    onPolicyError: (error) => errors.push(error),
  });
  const pass: Subject['pass'] = (direction, ...packets) => {
    const bytes = bundleOf(...packets);
    return packetsOf(bytes, filter.apply(bytes, bytes.length, direction));
  };
  return { filter, due, errors, pass };
}

test('each flow is asked about once, as its first packet shows it, both directions as one', () => {
  const asked: Flow[] = [];
  const { filter, pass } = subject({
    flow: (flow) => {
      asked.push(flow);
      return 'allow';
    },
  });
  assert.deepEqual(pass(OUT, query, ping, query), [query, ping, query]);
  assert.deepEqual(pass(IN, answer), [answer]);
  assert.deepEqual(asked, [
    {
      version: 4,
      protocol: 'udp',
      source: '10.7.0.1',
      sourcePort: 4000,
      destination: '10.7.0.2',
      destinationPort: 53,
      direction: 'out',
    },
    {
      version: 4,
      protocol: 'icmp',
      source: '10.7.0.1',
      sourcePort: 0x1234,
      destination: '10.7.0.2',
      destinationPort: 0x1234,
      direction: 'out',
    },
  ]);
  const { passedOut, passedIn, flows } = filter.statistics;
  assert.deepEqual({ passedOut, passedIn, flows }, { passedOut: 3, passedIn: 1, flows: 2 });
});

test('what is dropped is taken out of the middle of a bundle, and its answers are dropped too', () => {
  const { filter, pass } = subject({
    flow: ({ protocol }) => (protocol === 'udp' ? 'drop' : 'allow'),
  });
  assert.deepEqual(pass(OUT, ping, query, ping), [ping, ping]);
  assert.deepEqual(pass(IN, answer), []);
  assert.equal(filter.statistics.dropped, 2);
});

test('a flow that the far side begins is shown as such', () => {
  const { pass, errors } = subject({
    flow: ({ direction, source }) =>
      direction === 'in' && source === '10.7.0.2' ? 'drop' : 'allow',
  });
  assert.deepEqual(pass(IN, answer), []);
  assert.deepEqual(pass(OUT, query), [], 'of the same flow');
  assert.deepEqual(errors, []);
});

for (const [what, policy] of [
  ['throws', { flow: (): never => assert.fail('thrown') }],
  ['answers with nothing', { flow: () => undefined as never }],
  ['answers with a promise', { flow: () => Promise.resolve('allow') as never }],
  ['wants too long a delay', { flow: () => ({ delayMs: 60_001 }) }],
  [
    'wants an address of the other version',
    { flow: () => ({ rewrite: { destination: 'fd07::9' } }) },
  ],
  ['wants a port that is none', { flow: () => ({ rewrite: { destinationPort: 65_536 } }) }],
] as const) {
  test(`a policy that ${what} has the flow dropped and counted, and others go on`, () => {
    const { filter, errors, pass } = subject({
      flow: (flow) => (flow.protocol === 'udp' ? policy.flow() : 'allow'),
    });
    assert.deepEqual(pass(OUT, query, ping, query), [ping]);
    const { policyErrors, dropped } = filter.statistics;
    assert.deepEqual({ policyErrors, dropped }, { policyErrors: 1, dropped: 2 });
    assert.equal(errors.length, 1);
  });
}

test('a policy that throws about a packet has the rest of its flow dropped', () => {
  let seen = 0;
  const { filter, pass } = subject({
    packet: () => {
      if (++seen === 2) throw new Error('thrown');
      return 'allow';
    },
  });
  assert.deepEqual(pass(OUT, query, query, query), [query]);
  assert.equal(filter.statistics.policyErrors, 1);
  assert.equal(seen, 2);
});

test('a policy that asks sees each packet, and may change it', () => {
  const ways: string[] = [];
  const { pass } = subject({
    packet(bytes, offset, size, flow, direction) {
      ways.push(`${direction} ${flow.protocol} ${size}`);
      bytes[offset + size - 1] = 0xee;
      return direction === 'out' ? 'allow' : 'drop';
    },
  });
  assert.equal(pass(OUT, query)[0]!.at(-1), 0xee);
  assert.deepEqual(pass(IN, answer), []);
  assert.deepEqual(ways, [`out udp ${query.length}`, `in udp ${answer.length}`]);
});

test('fragments go where their first went, of both versions; without it they are dropped', () => {
  const six = udpPacket('fd07::1', 4000, 'fd07::2', 53, pattern(64));
  for (const [first, later] of [ipv4Fragments(query, 16), ipv6Fragments(six, 16)]) {
    const open = subject({ flow: () => 'allow' });
    assert.deepEqual(open.pass(OUT, later), []);
    assert.equal(open.filter.statistics.strayFragments, 1);
    assert.deepEqual(open.pass(OUT, first, later), [first, later]);
    const shut = subject({ flow: () => 'drop' });
    assert.deepEqual(shut.pass(OUT, first, later), []);
    assert.equal(shut.filter.statistics.dropped, 2);
  }
});

test('an ICMP error belongs to the flow that it tells about', () => {
  const quoted = [...query.subarray(0, 28)];
  const error = ipPacket(1, '10.7.0.2', '10.7.0.1', [3, 3, 0, 0, 0, 0, 0, 0, ...quoted]);
  const icmpOff: Policy = { flow: ({ protocol }) => (protocol === 'icmp' ? 'drop' : 'allow') };
  const { pass } = subject(icmpOff);
  assert.deepEqual(pass(IN, error), [], 'of a flow that nobody knows: a flow of its own');
  assert.deepEqual(pass(OUT, query), [query]);
  assert.deepEqual(pass(IN, error), [error]);
});

test('a malformed packet is dropped and counted', () => {
  const { filter, pass } = subject({ flow: () => 'allow' });
  assert.deepEqual(pass(OUT, ipPacket(17, '10.7.0.1', '10.7.0.2', [1, 2, 3])), []);
  assert.equal(filter.statistics.malformed, 1);
});

const to = (destination: string, destinationPort?: number): Policy => ({
  flow: () => ({
    rewrite: { destination, ...(destinationPort !== undefined && { destinationPort }) },
  }),
});

test('a rewritten flow has other ends outside, and its own inside, with right checksums', () => {
  const { filter, pass } = subject(to('10.9.0.9', 5353));
  const [sent] = pass(OUT, query);
  assert.deepEqual(sent, udpPacket('10.7.0.1', 4000, '10.9.0.9', 5353, pattern(64)));
  assert.ok(checksumsRight(sent));
  const outside = udpPacket('10.9.0.9', 5353, '10.7.0.1', 4000, pattern(64, 1));
  assert.deepEqual(pass(IN, outside), [answer]);
  assert.equal(filter.statistics.rewritten, 2);
  assert.equal(filter.statistics.flows, 1);
});

test('TCP and IPv6 are rewritten with right checksums, an ICMP echo as well', () => {
  for (const version of [4, 6] as const) {
    const destination = version === 4 ? '10.9.0.9' : 'fd09::9';
    const packet = transportPacket({
      version,
      protocol: 'tcp',
      flow: 2,
      payload: [...pattern(33)],
    });
    const { pass } = subject(to(destination, 8080));
    const [sent] = pass(OUT, packet);
    assert.notDeepEqual(sent, packet);
    assert.ok(checksumsRight(sent!));
    const echo = subject(to(destination));
    const ends =
      version === 4 ? (['10.7.0.1', '10.7.0.2'] as const) : (['fd07::1', 'fd07::2'] as const);
    const [pinged] = echo.pass(OUT, echoPacket(ends[0], ends[1], pattern(9)));
    assert.deepEqual(pinged, echoPacket(ends[0], destination, pattern(9)));
  }
});

test('UDP without a checksum stays without, and one that comes out as 0 is written as ffff', () => {
  const bare = Uint8Array.from(query);
  bare.set([0, 0], 26);
  const { pass } = subject(to('10.9.0.9'));
  assert.deepEqual([...pass(OUT, bare)[0]!.subarray(26, 28)], [0, 0]);
  // Every port is tried: one of them makes the sum come out as zero.
  let zeros = 0;
  for (let port = 1; port <= 0xffff; port += 1) {
    const one = subject(to('10.9.0.9', port), 1);
    const [sent] = one.pass(OUT, udpPacket('10.7.0.1', 4000, '10.7.0.2', 53, [1, 2]));
    if (sent![26] === 0 && sent![27] === 0) assert.fail(`no checksum for port ${port}`);
    if (sent![26] === 0xff && sent![27] === 0xff) zeros++;
    if (zeros > 0) break;
  }
  assert.equal(zeros, 1);
});

test('a rewritten datagram in fragments is whole and right when put together', () => {
  const six = udpPacket('fd07::1', 4000, 'fd07::2', 53, pattern(64));
  const cases = [
    [ipv4Fragments(query, 16), '10.9.0.9'],
    [ipv6Fragments(six, 16), 'fd09::9'],
  ] as const;
  for (const [pieces, destination] of cases) {
    const { pass } = subject(to(destination, 5353));
    const [first, later] = pass(OUT, ...pieces);
    assert.ok(checksumsRight(joined(first!, later!)));
  }
});

test('a second flow to the ends of a rewritten one is dropped, since nobody could tell their answers apart', () => {
  const { filter, pass } = subject({
    flow: ({ destination }) =>
      destination === '10.7.0.2' ? { rewrite: { destination: '10.9.0.9' } } : 'allow',
  });
  assert.equal(pass(OUT, query).length, 1);
  assert.deepEqual(pass(OUT, udpPacket('10.7.0.1', 4000, '10.9.0.9', 53, [1])), []);
  assert.equal(filter.statistics.conflicts, 1);
  // What still comes from the original end is none of the flow either.
  assert.deepEqual(pass(IN, answer), []);
  assert.equal(filter.statistics.conflicts, 2);
});

test('an ICMP error about a rewritten flow is dropped and counted', () => {
  const { filter, pass } = subject(to('10.9.0.9'));
  const [sent] = pass(OUT, query);
  const quoted = [...sent!.subarray(0, 28)];
  const error = ipPacket(1, '10.9.0.9', '10.7.0.1', [3, 3, 0, 0, 0, 0, 0, 0, ...quoted]);
  assert.deepEqual(pass(IN, error), []);
  assert.equal(filter.statistics.untranslated, 1);
});

test('a flow that is delayed comes later, in order, and is counted as passed only then', async () => {
  const { filter, due, pass } = subject({
    flow: ({ protocol }) => ({ delayMs: protocol === 'udp' ? 60 : 20 }),
  });
  const second = udpPacket('10.7.0.1', 4000, '10.7.0.2', 53, pattern(9));
  assert.deepEqual(pass(OUT, query, second, ping), []);
  assert.deepEqual(pass(IN, answer), []);
  assert.deepEqual([filter.statistics.held, filter.statistics.passedOut], [4, 0]);
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.deepEqual(due, [
    [OUT, ping],
    [OUT, query],
    [OUT, second],
    [IN, answer],
  ]);
  const { held, delayed, passedOut, passedIn } = filter.statistics;
  assert.deepEqual(
    { held, delayed, passedOut, passedIn },
    { held: 0, delayed: 4, passedOut: 3, passedIn: 1 },
  );
});

test('only so much is held back; the rest is dropped and counted, and closing drops what waits', async () => {
  const { filter, due, pass } = subject({ flow: () => ({ delayMs: 50 }) });
  const many = new Array<Uint8Array>(200).fill(query);
  for (let i = 0; i < 30; i++) pass(OUT, ...many);
  const { delayed, delayFull, held } = filter.statistics;
  assert.ok(delayFull > 0);
  assert.equal(delayed + delayFull, 6000);
  assert.equal(held, delayed);
  filter.close();
  filter.close();
  assert.equal(filter.statistics.delayDropped, delayed);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(due, []);
});

test('more flows than there is room for push out the one longest silent, which is asked about anew', () => {
  const asked: number[] = [];
  const { filter, pass } = subject(
    {
      flow: ({ sourcePort }) => {
        asked.push(sourcePort);
        return 'allow';
      },
    },
    3,
  );
  const from = (port: number): Uint8Array => udpPacket('10.7.0.1', port, '10.7.0.2', 53, [1]);
  pass(OUT, from(1), from(2), from(3), from(1), from(4), from(1), from(2));
  assert.deepEqual(asked, [1, 2, 3, 4, 2]);
  assert.equal(filter.statistics.evicted, 2);
});

test('the table agrees with a map over many flows that come and go', () => {
  const order: string[] = [];
  const asked: string[] = [];
  const { pass } = subject(
    {
      flow: (flow) => {
        asked.push(`${flow.sourcePort}`);
        return 'allow';
      },
    },
    16,
  );
  let state = 1;
  const expected: string[] = [];
  for (let i = 0; i < 3000; i++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    const port = 1 + ((state >> 8) % 24);
    const at = order.indexOf(`${port}`);
    if (at >= 0) order.splice(at, 1);
    else expected.push(`${port}`);
    order.push(`${port}`);
    if (order.length > 16) order.shift();
    pass(OUT, udpPacket('10.7.0.1', port, '10.7.0.2', 53, [1]));
  }
  assert.deepEqual(asked, expected);
});
