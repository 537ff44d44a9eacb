import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTunError } from '#dist/errors.js';
import { mayConcern } from '#dist/link/linux/notifications.js';
import {
  changeAddress,
  getAddresses,
  parseInterfaceAddress,
} from '#dist/link/linux/rtnetlink-address.js';
import {
  AddressGeneration,
  changeLink,
  getLink,
  parseLink,
} from '#dist/link/linux/rtnetlink-link.js';
import {
  changeRoute,
  effectiveMetric,
  getRoutes,
  parseRoute,
} from '#dist/link/linux/rtnetlink-route.js';
import { createVeth } from '#dist/link/linux/rtnetlink-veth.js';
import type { Message } from '#dist/os/netlink-reader.js';
import { parsePrefix } from '#dist/wire/address.js';
import { amidst, bigEndian, hex, littleEndian } from './bytes.ts';

const unreadable = (error: unknown): boolean => isTunError(error, 'ERR_TUN_SYSCALL');
const V4 = parsePrefix('10.7.0.1/24');
const V6 = parsePrefix('fd07::1/64');
const V6_HEX = 'fd070000 00000000 00000000 00000001';

/** What is built, and its bytes with the least and with the most significant byte first. */
const REQUESTS: readonly (readonly [string, (order: boolean) => Uint8Array, string, string])[] = [
  [
    'reading a link',
    (order) => getLink(7, order),
    '20000000 1200 0500 00000000 00000000  00 00 0000 07000000 00000000 00000000',
    '00000020 0012 0005 00000000 00000000  00 00 0000 00000007 00000000 00000000',
  ],
  [
    'bringing it up',
    (order) => changeLink(7, { up: true }, order),
    '20000000 1300 0500 00000000 00000000  00 00 0000 07000000 01000000 01000000',
    '00000020 0013 0005 00000000 00000000  00 00 0000 00000007 00000001 00000001',
  ],
  [
    'bringing it down',
    (order) => changeLink(7, { up: false }, order),
    '20000000 1300 0500 00000000 00000000  00 00 0000 07000000 00000000 01000000',
    '00000020 0013 0005 00000000 00000000  00 00 0000 00000007 00000000 00000001',
  ],
  [
    'setting MTU and queue length',
    (order) => changeLink(7, { mtu: 1400, queueLength: 1000 }, order),
    `30000000 1300 0500 00000000 00000000  00 00 0000 07000000 00000000 00000000
     0800 0400 78050000  0800 0d00 e8030000`,
    `00000030 0013 0005 00000000 00000000  00 00 0000 00000007 00000000 00000000
     0008 0004 00000578  0008 000d 000003e8`,
  ],
  [
    'forbidding a link-local address',
    (order) => changeLink(7, { addressGeneration: AddressGeneration.NONE }, order),
    `30000000 1300 0500 00000000 00000000  00 00 0000 07000000 00000000 00000000
     1000 1a80  0c00 0a80  0500 0800 01 000000`,
    `00000030 0013 0005 00000000 00000000  00 00 0000 00000007 00000000 00000000
     0010 801a  000c 800a  0005 0008 01 000000`,
  ],
  [
    'making a veth pair, without neighbours',
    (order) =>
      createVeth(
        { name: 'tun0', address: hex('020000000001') },
        { name: 'far', address: hex('020000000002'), mtu: 65_535, namespace: 9 },
        order,
      ),
    `84000000 1000 0506 00000000 00000000  00 00 0000 00000000 80000000 80000000
     0900 0300 74756e3000 000000  0a00 0100 020000000001 0000
     4c00 1280  0900 0100 7665746800 000000
     3c00 0280  3800 0100
       00 00 0000 00000000 80000000 80000000
       0800 0300 66617200  0a00 0100 020000000002 0000  0800 0400 ffff0000  0800 1c00 09000000`,
    `00000084 0010 0605 00000000 00000000  00 00 0000 00000000 00000080 00000080
     0009 0003 74756e3000 000000  000a 0001 020000000001 0000
     004c 8012  0009 0001 7665746800 000000
     003c 8002  0038 0001
       00 00 0000 00000000 00000080 00000080
       0008 0003 66617200  000a 0001 020000000002 0000  0008 0004 0000ffff  0008 001c 00000009`,
  ],
  [
    'adding an IPv4 address',
    (order) => changeAddress(7, V4, true, order),
    `28000000 1400 0506 00000000 00000000  02 18 00 00 07000000
     0800 0200 0a070001  0800 0100 0a070001`,
    `00000028 0014 0605 00000000 00000000  02 18 00 00 00000007
     0008 0002 0a070001  0008 0001 0a070001`,
  ],
  [
    'adding an IPv6 address, without looking for duplicates',
    (order) => changeAddress(7, V6, true, order),
    `40000000 1400 0506 00000000 00000000  0a 40 02 00 07000000
     1400 0200 ${V6_HEX}  1400 0100 ${V6_HEX}`,
    `00000040 0014 0605 00000000 00000000  0a 40 02 00 00000007
     0014 0002 ${V6_HEX}  0014 0001 ${V6_HEX}`,
  ],
  [
    'removing an address',
    (order) => changeAddress(7, V4, false, order),
    `28000000 1500 0500 00000000 00000000  02 18 00 00 07000000
     0800 0200 0a070001  0800 0100 0a070001`,
    `00000028 0015 0005 00000000 00000000  02 18 00 00 00000007
     0008 0002 0a070001  0008 0001 0a070001`,
  ],
  [
    'reading the addresses',
    (order) => getAddresses(7, order),
    '18000000 1600 0103 00000000 00000000  00 00 00 00 07000000',
    '00000018 0016 0301 00000000 00000000  00 00 00 00 00000007',
  ],
  [
    'adding an IPv4 route',
    (order) => changeRoute(7, route('192.0.2.0/24', undefined), true, order),
    `2c000000 1800 0506 00000000 00000000  02 18 00 00 fe 04 fd 01 00000000
     0800 0100 c0000200  0800 0400 07000000`,
    `0000002c 0018 0605 00000000 00000000  02 18 00 00 fe 04 fd 01 00000000
     0008 0001 c0000200  0008 0004 00000007`,
  ],
  [
    'adding an IPv6 default route with a metric',
    (order) => changeRoute(7, route('::/0', 5), true, order),
    `40000000 1800 0506 00000000 00000000  0a 00 00 00 fe 04 00 01 00000000
     1400 0100 00000000 00000000 00000000 00000000  0800 0400 07000000  0800 0600 05000000`,
    `00000040 0018 0605 00000000 00000000  0a 00 00 00 fe 04 00 01 00000000
     0014 0001 00000000 00000000 00000000 00000000  0008 0004 00000007  0008 0006 00000005`,
  ],
  [
    'removing a route',
    (order) => changeRoute(7, route('192.0.2.0/24', 3), false, order),
    `34000000 1900 0500 00000000 00000000  02 18 00 00 fe 04 fd 01 00000000
     0800 0100 c0000200  0800 0400 07000000  0800 0600 03000000`,
    `00000034 0019 0005 00000000 00000000  02 18 00 00 fe 04 fd 01 00000000
     0008 0001 c0000200  0008 0004 00000007  0008 0006 00000003`,
  ],
  [
    'reading the routes of a family',
    (order) => getRoutes(7, 6, order),
    `24000000 1a00 0103 00000000 00000000  0a 00 00 00 00 00 00 00 00000000
     0800 0400 07000000`,
    `00000024 001a 0301 00000000 00000000  0a 00 00 00 00 00 00 00 00000000
     0008 0004 00000007`,
  ],
];

function route(destination: string, metric: number | undefined) {
  return { destination: parsePrefix(destination), metric };
}

for (const [what, build, least, most] of REQUESTS) {
  test(`the request for ${what} is the kernel's, in both byte orders`, () => {
    assert.deepEqual(build(true), hex(least));
    assert.deepEqual(build(false), hex(most));
  });
}

/** 27 settings of which the last is disable_ipv6. */
const CONF = `${'00'.repeat(26 * 4)}`;
const STATS = `${'00'.repeat(56)}2a00000000000000`;
const LINK = `18010000 1000 0000 00000000 00000000  00 00 feff 07000000 c1100000 00000000
  0900 0300 74756e30 00 000000  0800 0400 78050000  0800 0d00 e8030000
  4400 1700 ${STATS}
  8000 1a80  7c00 0a80  7000 0200 ${CONF} 00000000  0500 0800 01 000000`;

test('reads name, MTU, state, queue length, drops and IPv6 settings of a link', () => {
  const bytes = hex(LINK);
  new DataView(bytes.buffer).setUint32(0, bytes.length, true);
  const message = littleEndian(Buffer.from(bytes).toString('hex'));
  assert.deepEqual(parseLink(message), {
    index: 7,
    name: 'tun0',
    mtu: 1400,
    up: true,
    queueLength: 1000,
    dropped: 42,
    hasIpv6: true,
    addressGeneration: 1,
    carrier: false,
    gsoMaxSize: undefined,
    gsoMaxSegments: undefined,
    tun: undefined,
  });
});

/** A RTM_NEWLINK with carrier, limits of super-packets, and IFLA_LINKINFO. */
function tunLink(info: string): Message {
  const bytes = hex(`00000000 1000 0000 00000000 00000000  00 00 feff 07000000 c1100000 00000000
    0900 0300 74756e30 00 000000  0800 0400 78050000  0500 2100 01 000000
    0800 2800 40000000  0800 2900 f0ef0000  ${info}`);
  new DataView(bytes.buffer).setUint32(0, bytes.length, true);
  return littleEndian(Buffer.from(bytes).toString('hex'));
}

test('reads what a TUN device is, and who may attach to it', () => {
  const plain = tunLink(`4000 1280  0800 0100 74756e00  3400 0280  0800 0100 feff0000
    0500 0300 01 000000  0500 0400 01 000000  0500 0500 00 000000
    0500 0600 01 000000  0500 0700 00 000000`);
  const state = parseLink(plain);
  assert.deepEqual([state.carrier, state.gsoMaxSegments, state.gsoMaxSize], [true, 64, 61_424]);
  assert.deepEqual(state.tun, {
    type: 'tun',
    owner: 65_534,
    group: undefined,
    protocolInformation: true,
    headers: false,
    persistent: true,
    multiQueue: false,
    queues: undefined,
  });
});

test('reads a TAP with several queues, those that are detached included', () => {
  const many = tunLink(`4800 1280  0800 0100 74756e00  3c00 0280  0800 0200 e8030000
    0500 0300 02 000000  0500 0500 01 000000  0500 0700 01 000000
    0800 0800 03000000  0800 0900 02000000  0500 0600 00 000000`);
  assert.deepEqual(parseLink(many).tun, {
    type: 'tap',
    owner: undefined,
    group: 1000,
    protocolInformation: false,
    headers: true,
    persistent: false,
    multiQueue: true,
    queues: 5,
  });
});

test('another kind of interface is no TUN', () => {
  const dummy = tunLink('1400 1280  0a00 0100 64756d6d7900 0000  0400 0280');
  assert.equal(parseLink(dummy).tun, undefined);
});

test('a link without IPv6 has none, and one that is down is not up', () => {
  const state = parseLink(
    bigEndian(`00000034 0010 0000 00000000 00000000  00 00 fffe 00000007 00001090 00000000
               0009 0003 74756e30 00 000000  0008 0004 00000578`),
  );
  assert.equal(state.up, false);
  assert.equal(state.mtu, 1400);
  assert.equal(state.hasIpv6, false);
  assert.equal(state.addressGeneration, undefined);
});

test('a link whose IPv6 is disabled by sysctl has none', () => {
  const state = parseLink(
    littleEndian(`b4000000 1000 0000 00000000 00000000  00 00 feff 07000000 00000000 00000000
                  0900 0300 74756e30 00 000000  0800 0400 78050000
                  8000 1a80  7c00 0a80  7000 0200 ${CONF} 01000000  0500 0800 01 000000`),
  );
  assert.equal(state.hasIpv6, false);
  assert.equal(state.addressGeneration, 1);
});

test('an answer cut short anywhere is refused or lacks what was cut, and nothing behind is read', () => {
  const bytes = hex(LINK);
  for (let length = 0; length < bytes.length; length++) {
    const cut = new Uint8Array(length);
    cut.set(bytes.subarray(0, length));
    if (length >= 4) new DataView(cut.buffer).setUint32(0, length, true);
    let state: ReturnType<typeof parseLink> | undefined;
    try {
      state = parseLink(littleEndian(Buffer.from(amidst(cut)).toString('hex')));
    } catch (error) {
      assert.ok(unreadable(error), `${length}: ${String(error)}`);
    }
    if (state === undefined) continue;
    assert.deepEqual([state.index, state.name, state.mtu], [7, 'tun0', 1400]);
    assert.ok(state.dropped === 0 || state.dropped === 42);
    assert.ok(state.addressGeneration === undefined || state.addressGeneration === 1);
  }
});

test('reads the own address of an interface, not its peer', () => {
  const address = parseInterfaceAddress(
    littleEndian(`28000000 1400 0200 00000000 00000000  02 20 80 00 07000000
                  0800 0100 0a070002  0800 0200 0a070001`),
  );
  assert.deepEqual(address, { index: 7, text: '10.7.0.1/32' });
});

test('reads an IPv6 address, which has no IFA_LOCAL, in both byte orders', () => {
  const expected = { index: 7, text: 'fd07::1/64' };
  const least = `2c000000 1400 0200 00000000 00000000  0a 40 80 00 07000000 1400 0100 ${V6_HEX}`;
  const most = `0000002c 0014 0002 00000000 00000000  0a 40 80 00 00000007 0014 0001 ${V6_HEX}`;
  assert.deepEqual(parseInterfaceAddress(littleEndian(least)), expected);
  assert.deepEqual(parseInterfaceAddress(bigEndian(most)), expected);
});

test('passes over addresses of other families', () => {
  const mctp = '20000000 1400 0200 00000000 00000000  2d 00 80 00 07000000 0500 0200 08 000000';
  assert.equal(parseInterfaceAddress(littleEndian(mctp)), undefined);
});

test('refuses an address of a wrong length, none, and an impossible prefix length', () => {
  const head = '00000000 00000000 ';
  for (const text of [
    `20000000 1400 0200 ${head} 0a 40 80 00 07000000 0800 0100 0a070001`,
    `18000000 1400 0200 ${head} 02 18 80 00 07000000`,
    `20000000 1400 0200 ${head} 02 21 80 00 07000000 0800 0200 0a070001`,
    `17000000 1400 0200 ${head} 02 18 80 00 070000`,
  ]) {
    assert.throws(() => parseInterfaceAddress(littleEndian(text)), unreadable);
  }
});

test('reads a route, and a default route has no destination', () => {
  const found = parseRoute(
    littleEndian(`34000000 1800 0200 00000000 00000000  02 18 00 00 fe 04 fd 01 00000000
                  0800 0100 c0000200  0800 0400 07000000  0800 0600 03000000`),
  );
  assert.deepEqual(found, { index: 7, destination: '192.0.2.0/24', metric: 3 });
  const all = parseRoute(
    bigEndian(`00000024 0018 0002 00000000 00000000  0a 00 00 00 fe 02 00 01 00000000
               0008 0004 00000007`),
  );
  assert.deepEqual(all, { index: 7, destination: '::/0', metric: 0 });
});

test('passes over routes of other tables, types and families, and those with many hops', () => {
  for (const body of [
    '02 18 00 00 ff 04 fd 01',
    '02 18 00 00 fe 04 fd 02',
    '1c 18 00 00 fe 04 fd 01',
  ]) {
    const text = `24000000 1800 0200 00000000 00000000 ${body} 00000000 0800 0400 07000000`;
    assert.equal(parseRoute(littleEndian(text)), undefined);
  }
  const multipath = '1c000000 1800 0200 00000000 00000000 0a 00 00 00 fe 04 00 01 00000000';
  assert.equal(parseRoute(littleEndian(multipath)), undefined);
});

test('refuses a route whose destination is not of its family, or whose prefix is too long', () => {
  const head = '2c000000 1800 0200 00000000 00000000';
  const tail = '00 00 fe 04 fd 01 00000000 0800 0100 c0000200 0800 0400 07000000';
  assert.throws(() => parseRoute(littleEndian(`${head} 0a 18 ${tail}`)), unreadable);
  assert.throws(() => parseRoute(littleEndian(`${head} 02 21 ${tail}`)), unreadable);
});

test('the metric under which a route is listed is the default of its family when none is given', () => {
  assert.equal(effectiveMetric(4, undefined), 0);
  assert.equal(effectiveMetric(6, undefined), 1024);
  assert.equal(effectiveMetric(6, 0), 1024);
  assert.equal(effectiveMetric(6, 7), 7);
});

test('only links and addresses of the interface concern its reader', () => {
  const head = '0000 00000000 00000000 00 00 00 00';
  const of = (type: string, index: string) => littleEndian(`18000000 ${type} ${head} ${index}`);
  for (const type of ['1000', '1100', '1400', '1500']) {
    assert.equal(mayConcern([of(type, '07000000')], 7), true);
    assert.equal(mayConcern([of(type, '08000000')], 7), false);
  }
  assert.equal(mayConcern([of('1800', '07000000')], 7), false);
  assert.equal(mayConcern([], 7), false);
  assert.equal(mayConcern('overrun', 7), true);
  assert.throws(
    () => mayConcern([littleEndian('14000000 1000 0000 00000000 00000000 00000000')], 7),
    unreadable,
  );
});
