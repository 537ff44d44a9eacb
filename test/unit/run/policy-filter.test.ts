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
  ['wants the port 0', { flow: () => ({ rewrite: { sourcePort: 0 } }) }],
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

test('a policy that rejects is one that answers with a promise, and nobody is left to handle it', async () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', onUnhandled);
  const rejects = (): never => Promise.reject(new Error('thrown')) as never;
  try {
    for (const policy of [{ flow: rejects }, { packet: rejects }]) {
      const { filter, pass } = subject(policy);
      assert.deepEqual(pass(OUT, query), []);
      assert.equal(filter.statistics.policyErrors, 1);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
  assert.deepEqual(unhandled, []);
});

test('whatever a policy answers, the error says what would do', () => {
  const circular: Record<string, unknown> = {};
  circular['itself'] = circular;
  for (const verdict of [circular, 1n, Object.create(null), Symbol('x'), null, () => 'allow']) {
    const { errors, pass } = subject({ flow: () => verdict as never });
    assert.deepEqual(pass(OUT, query), []);
    assert.match((errors[0] as Error).message, /^a policy answered .*; answer 'allow', 'drop'/);
  }
});

test('a listener that throws about a policy does not hold up the packets behind', () => {
  const filter = new PolicyFilter(
    {
      flow: ({ protocol }) => (protocol === 'udp' ? assert.fail('thrown') : 'allow'),
    },
    {
      mtu: 1500,
      onDue: () => undefined,
      onPolicyError: () => {
        throw new Error('the listener');
      },
    },
  );
  const bytes = bundleOf(query, ping);
  assert.deepEqual(packetsOf(bytes, filter.apply(bytes, bytes.length, OUT)), [ping]);
});

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

test('a later fragment of the other direction is none of the datagram', () => {
  const { filter, pass } = subject({ flow: () => 'allow' });
  const [first, later] = ipv4Fragments(query, 16);
  pass(OUT, first);
  assert.deepEqual(pass(IN, later), []);
  assert.equal(filter.statistics.strayFragments, 1);
});

test('later fragments of a flow that is forgotten do not go with the one in its place', () => {
  const { filter, pass } = subject({ flow: () => 'allow' }, 1);
  const [first, later] = ipv4Fragments(query, 16);
  assert.deepEqual(pass(OUT, first, ping, later), [first, ping]);
  assert.equal(filter.statistics.strayFragments, 1);
});

test('an ICMP error in fragments is a flow of its own, since the first need not hold all that it quotes', () => {
  const { pass } = subject({ flow: ({ protocol }) => (protocol === 'udp' ? 'allow' : 'drop') });
  pass(OUT, query);
  const whole = errorAbout(query, '10.7.0.2', '10.7.0.1');
  assert.equal(pass(IN, whole).length, 1);
  const [first] = ipv4Fragments(
    ipPacket(1, '10.7.0.2', '10.7.0.1', [...whole.subarray(20), 1, 2, 3, 4]),
    36,
  );
  assert.deepEqual(pass(IN, first), []);
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

/** An ICMP error that quotes the beginning of `about`. */
function errorAbout(about: Uint8Array, source: string, destination: string): Uint8Array {
  const six = source.includes(':');
  const quoted = [...about.subarray(0, six ? 48 : 28)];
  return six
    ? ipPacket(58, source, destination, [1, 4, 0, 0, 0, 0, 0, 0, ...quoted])
    : ipPacket(1, source, destination, [3, 3, 0, 0, 0, 0, 0, 0, ...quoted]);
}

for (const [what, net, router, other] of [
  ['IPv4', '10.7.0.', '203.0.113.1', '198.51.100.9'],
  ['IPv6', 'fd07::', 'fd99::1', 'fd98::9'],
] as const) {
  const one = `${net}1`;
  const two = `${net}2`;
  const asking = udpPacket(one, 4000, two, 53, pattern(64));
  const answering = udpPacket(two, 53, one, 4000, pattern(64));

  test(`an ${what} error about an allowed flow goes to no address that the policy was not asked about`, () => {
    const asked: string[] = [];
    const { filter, pass } = subject({
      flow: (flow) => {
        asked.push(`${flow.protocol} ${flow.source} ${flow.destination}`);
        return flow.protocol === 'udp' ? 'allow' : 'drop';
      },
    });
    pass(OUT, asking);
    asked.length = 0;
    assert.deepEqual(pass(OUT, errorAbout(answering, one, other)), []);
    assert.deepEqual(pass(OUT, errorAbout(answering, other, two)), []);
    assert.deepEqual(pass(OUT, errorAbout(asking, one, two)), [], 'of a packet of its own');
    assert.deepEqual(pass(IN, errorAbout(asking, router, other)), []);
    assert.deepEqual(asked, [
      `icmp ${one} ${other}`,
      `icmp ${other} ${two}`,
      `icmp ${one} ${two}`,
      `icmp ${router} ${other}`,
    ]);
    assert.equal(filter.statistics.dropped, 4);
  });

  test(`an ${what} error about an allowed flow passes from any router, and back to the other end`, () => {
    const { pass } = subject({ flow: ({ protocol }) => (protocol === 'udp' ? 'allow' : 'drop') });
    pass(OUT, asking);
    const back = errorAbout(asking, router, one);
    const forth = errorAbout(answering, one, two);
    assert.deepEqual(pass(IN, back), [back]);
    assert.deepEqual(pass(OUT, forth), [forth]);
  });
}

test('an IPv4 error that quotes an IPv6 packet is none about its flow', () => {
  const { pass } = subject({ flow: ({ protocol }) => (protocol === 'udp' ? 'allow' : 'drop') });
  const six = udpPacket('a07::1', 4000, 'a07::2', 53, pattern(8));
  pass(OUT, six);
  const quoted = [...six.subarray(0, 48)];
  // Both begin with the four bytes 0a 07 00 00.
  const error = ipPacket(1, '10.7.0.0', '10.7.0.0', [3, 3, 0, 0, 0, 0, 0, 0, ...quoted]);
  assert.deepEqual(pass(IN, error), []);
});

test('each packet of an allowed flow is asked about: errors and later fragments too', () => {
  const sizes: string[] = [];
  const { pass } = subject({
    packet: (_bytes, _offset, size, { protocol, sourcePort }, way) => {
      sizes.push(`${way} ${protocol} ${sourcePort} ${size}`);
      return size === later.length || way === 'in' ? 'drop' : 'allow';
    },
  });
  const [first, later] = ipv4Fragments(query, 16);
  const error = errorAbout(query, '10.7.0.9', '10.7.0.1');
  assert.deepEqual(pass(OUT, first, later, query), [first, query]);
  assert.deepEqual(pass(IN, error), []);
  assert.deepEqual(sizes, [
    `out udp 4000 ${first.length}`,
    `out udp 4000 ${later.length}`,
    `out udp 4000 ${query.length}`,
    `in udp 4000 ${error.length}`,
  ]);
});

test('of a datagram whose first fragment was dropped the others are, unasked', () => {
  let asked = 0;
  const { filter, pass } = subject({
    packet: () => {
      asked++;
      return 'drop';
    },
  });
  assert.deepEqual(pass(OUT, ...ipv4Fragments(query, 16)), []);
  assert.equal(asked, 1);
  assert.equal(filter.statistics.dropped, 2);
});

test('later fragments are held back at least as long as their first', async () => {
  const delays = [{ delayMs: 40 }, 'allow' as const, { delayMs: 10 }, { delayMs: 60 }];
  let asked = 0;
  const { due, pass } = subject({ packet: () => delays[asked++]! });
  const [first, later] = ipv4Fragments(query, 16);
  const others = [1, 2, 3].map((mark) => {
    const copy = Uint8Array.from(later);
    copy[copy.length - 1] = mark;
    return copy;
  });
  assert.deepEqual(pass(OUT, first, others[0]!, others[1]!, others[2]!), []);
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.deepEqual(
    due.map(([, packet]) => packet),
    [first, ...others],
  );
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
  let port = 1;
  const all = subject(
    {
      flow: ({ protocol }) =>
        protocol === 'udp' ? to('10.9.0.9', port).flow!(undefined!) : 'allow',
    },
    1,
  );
  for (; port <= 0xffff && zeros === 0; port++) {
    // Another flow pushes the last one out.
    all.pass(OUT, ping);
    const [sent] = all.pass(OUT, udpPacket('10.7.0.1', 4000, '10.7.0.2', 53, [1, 2]));
    if (sent![26] === 0 && sent![27] === 0) assert.fail(`no checksum for port ${port}`);
    if (sent![26] === 0xff && sent![27] === 0xff) zeros++;
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

test('a rewrite to the ends that a flow has already changes nothing', () => {
  const { pass } = subject(to('10.7.0.2'));
  assert.deepEqual(pass(OUT, query), [query]);
  assert.deepEqual(pass(IN, answer), [answer]);
});

test('a bundle in a Buffer is treated as any other', () => {
  const filter = new PolicyFilter(to('10.9.0.9'), { mtu: 1500, onDue: () => undefined });
  // As a program does that has one buffer for all it reads.
  const buffer = Buffer.alloc(4096);
  const apply = (direction: Direction, packet: Uint8Array): Uint8Array[] => {
    const bytes = bundleOf(packet);
    buffer.set(bytes);
    return packetsOf(buffer, filter.apply(buffer, bytes.length, direction));
  };
  apply(OUT, query);
  buffer.fill(0xff);
  const outside = udpPacket('10.9.0.9', 53, '10.7.0.1', 4000, pattern(64, 1));
  assert.deepEqual(apply(IN, outside), [answer]);
});

test('an answer to a rewritten flow that is forgotten is dropped, and the flow goes on when it is known again', () => {
  const asked: string[] = [];
  const policy: Policy = {
    flow: (flow) => {
      asked.push(`${flow.direction} ${flow.destination}`);
      return flow.destination === '10.7.0.2' ? { rewrite: { destination: '10.9.0.9' } } : 'allow';
    },
  };
  const { filter, pass } = subject(policy, 2);
  const outside = udpPacket('10.9.0.9', 53, '10.7.0.1', 4000, pattern(64, 1));
  const other = (port: number): Uint8Array => udpPacket('10.7.0.1', port, '10.7.0.3', 53, [1]);
  pass(OUT, query, other(1), other(2));
  asked.length = 0;
  assert.deepEqual(pass(IN, outside), [], 'its source is none that the command knows');
  assert.equal(filter.statistics.conflicts, 1);
  assert.deepEqual(asked, []);
  assert.equal(pass(OUT, query).length, 1);
  assert.deepEqual(pass(IN, outside), [answer]);
  // The command may go there by itself.
  pass(OUT, other(1), other(2));
  assert.equal(pass(OUT, udpPacket('10.7.0.1', 4000, '10.9.0.9', 53, [1])).length, 1);
});

test('a rewritten flow that the far side began, once forgotten, is answered by no wrong address either', () => {
  const { filter, pass } = subject(
    {
      flow: ({ direction }) =>
        direction === 'in' ? { rewrite: { destination: '10.7.0.77' } } : 'allow',
    },
    2,
  );
  const asked = udpPacket('10.7.0.2', 53, '10.7.0.1', 4000, [1]);
  const replied = udpPacket('10.7.0.77', 4000, '10.7.0.2', 53, [2]);
  assert.deepEqual(pass(IN, asked), [udpPacket('10.7.0.2', 53, '10.7.0.77', 4000, [1])]);
  assert.deepEqual(pass(OUT, replied), [udpPacket('10.7.0.1', 4000, '10.7.0.2', 53, [2])]);
  const other = (port: number): Uint8Array => udpPacket('10.7.0.1', port, '10.7.0.3', 53, [1]);
  pass(OUT, other(1), other(2));
  assert.deepEqual(pass(OUT, replied), []);
  assert.equal(filter.statistics.conflicts, 1);
});

test('a second flow that is rewritten to the same ends is dropped', () => {
  const { filter, pass } = subject(to('10.9.0.9'));
  assert.equal(pass(OUT, query).length, 1);
  assert.deepEqual(pass(OUT, udpPacket('10.7.0.1', 4000, '10.7.0.3', 53, [1])), []);
  assert.equal(filter.statistics.dropped, 1);
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

test("the longer delay counts, be it the flow's or the packet's", async () => {
  const { due, filter, pass } = subject({
    flow: ({ protocol }) => ({ delayMs: protocol === 'udp' ? 60 : 20 }),
    packet: (_bytes, _offset, _size, { protocol }) =>
      protocol === 'udp' ? 'allow' : { delayMs: 40 },
  });
  assert.deepEqual(pass(OUT, query, ping), []);
  assert.equal(filter.statistics.held, 2);
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.deepEqual(due, [
    [OUT, ping],
    [OUT, query],
  ]);
});

test('what is due when nobody takes it any more is dropped and counted, with all that waits', async () => {
  const filter = new PolicyFilter(
    { flow: ({ protocol }) => ({ delayMs: protocol === 'udp' ? 5 : 10_000 }) },
    {
      mtu: 1500,
      onDue: () => {
        throw new Error('gone');
      },
    },
  );
  const bytes = bundleOf(query, query, ping);
  assert.equal(filter.apply(bytes, bytes.length, OUT), 0);
  await new Promise((resolve) => setTimeout(resolve, 60));
  const { delayDropped, passedOut, held } = filter.statistics;
  assert.deepEqual({ delayDropped, passedOut, held }, { delayDropped: 3, passedOut: 0, held: 0 });
});

test('a packet above the MTU is not held back, and counted', () => {
  const filter = new PolicyFilter(
    { flow: () => ({ delayMs: 10_000 }) },
    { mtu: 64, onDue: () => undefined },
  );
  const bytes = bundleOf(query);
  assert.equal(filter.apply(bytes, bytes.length, OUT), 0);
  assert.equal(filter.statistics.delayFull, 1);
  filter.close();
});

test('packets that are due at the same time keep their order', async (context) => {
  const clock = context.mock.method(performance, 'now', () => 1);
  const { due, pass } = subject({ flow: () => ({ delayMs: 5 }) });
  const packets = Array.from({ length: 40 }, (_, i) =>
    udpPacket('10.7.0.1', 4000, '10.7.0.2', 53, [i]),
  );
  pass(OUT, ...packets);
  clock.mock.restore();
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.deepEqual(
    due.map(([, packet]) => packet),
    packets,
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
