/** What the Windows link does besides its contract: setting up, refusals and faults, and what is left behind. */

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { Link, LinkConfig } from '#dist/link/link.js';
import { TakeResult } from '#dist/link/link.js';
import { deleteDriver, driverVersion, listAdapters } from '#dist/link/windows/driver.js';
import { guidText } from '#dist/link/windows/guid.js';
import {
  DeviceRow,
  Family,
  InterfaceRow,
  interfaceRow,
  luidIndex,
} from '#dist/link/windows/ip-rows.js';
import { createEvent, kernel32, WinError } from '#dist/os/win32.js';
import { pattern, udpPacket } from '../support/ip-packets.ts';
import { givePackets, linkConfig, sleep, takePackets, until } from '../support/link-use.ts';
import { Fail, Standin } from './support/standin.ts';

const standin = new Standin('memory.dll');

function open(change: Partial<LinkConfig> = {}): Promise<Link> {
  const wintun = { ...standin.options, ...change.wintun };
  return standin.provider.open({ ...linkConfig, ...change, wintun });
}

const packet = (size: number, n = 0): Uint8Array =>
  udpPacket('10.7.0.2', 5000, '10.7.0.1', 4000, pattern(size, n));

afterEach(() => {
  assert.deepEqual([standin.adapters, standin.sessions, standin.routes], [0, 0, 0], 'left behind');
  assert.equal(standin.subscriptions, 0);
});

test('the device is named after its LUID, not after its interface index', async () => {
  const link = await open();
  const { interfaceIndex, luidIndex } = link.info;
  assert.equal(luidIndex, 0x8000 + interfaceIndex!);
  await link.close();
});

test('a name makes the same GUID again, another name another, and one can be asked for', async () => {
  const guids: string[] = [];
  const wanted = 'd0a9c1a2-5b3e-4f0a-9d3c-2b1a0c9e8f77';
  for (const [name, guid] of [['one'], ['ONE'], ['two'], ['two', wanted]]) {
    const link = await open({ name, ...(guid === undefined ? {} : { wintun: { guid } }) });
    const rows = standin.helper.rows(DeviceRow.BYTES, (table) =>
      standin.helper.call('interfaceTable', table),
    );
    assert.ok(Array.isArray(rows));
    guids.push(guidText(rows[1]!.subarray(DeviceRow.GUID, DeviceRow.GUID + 16)));
    await link.close();
  }
  assert.equal(guids[0], guids[1]);
  assert.notEqual(guids[0], guids[2]);
  assert.equal(guids[3], wanted);
  assert.match(guids[0]!, /^.{8}-.{4}-8.{3}-[89ab].{3}-.{12}$/, 'version 8, RFC 9562');
});

test('a name that is taken is refused, whoever finds out', async () => {
  const link = await open({ name: 'mine' });
  // Found out before Windows is asked to make it.
  standin.fail(Fail.CREATE, WinError.ACCESS_DENIED);
  await assert.rejects(open({ name: 'Mine' }), { code: 'ERR_TUN_NAME_TAKEN', message: /"Mine"/ });
  standin.fail(Fail.CREATE, WinError.SUCCESS);
  await link.close();
  standin.fail(Fail.CREATE, WinError.ALREADY_EXISTS);
  await assert.rejects(open({ name: 'mine' }), { code: 'ERR_TUN_NAME_TAKEN' });
});

/** All that Windows says of the interface's settings, of both families. */
function settings({ info }: Link): unknown {
  const rows = standin.helper.rows(DeviceRow.BYTES, (table) =>
    standin.helper.call('interfaceTable', table),
  );
  assert.ok(Array.isArray(rows));
  const luids = rows.map((row) => new DataView(row.buffer).getBigUint64(DeviceRow.LUID, true));
  const luid = luids.find((one) => luidIndex(one) === info.luidIndex)!;
  const interfaces = [Family.IPV4, Family.IPV6].map((family) => {
    const row = interfaceRow(luid, family);
    assert.equal(standin.helper.call('getIpInterface', row), WinError.SUCCESS);
    // Whether there is a session is no setting.
    return row.slice(InterfaceRow.ROUTER_DISCOVERY, InterfaceRow.MTU + 4).toString();
  });
  return { interfaces, dns: [standin.dns(false), standin.dns(true)], routes: standin.routes };
}

test('an adapter of another program is left as it was, also when it cannot be set up', async () => {
  const owner = await open({
    name: 'shared',
    addresses: ['10.6.0.1/24'],
    mtu: 1420,
    ipv6LinkLocal: true,
    wintun: { dns: ['10.6.0.2', 'fd06::2'] },
  });
  owner.configure({ up: false });
  const before = settings(owner);
  const change = {
    name: 'shared',
    addresses: ['10.9.0.1/24'],
    mtu: 1400,
    ipv6LinkLocal: false,
    routes: [{ destination: '10.10.0.0/16' }],
    wintun: { existing: true, dns: ['10.7.0.2', 'fd07::2'] },
  };
  const guest = await open(change);
  assert.notDeepEqual(settings(owner), before);
  await guest.close();
  assert.deepEqual(settings(owner), before);
  assert.deepEqual(owner.configure({}).addresses, ['10.6.0.1/24']);
  for (const which of [Fail.INTERFACE, Fail.ADDRESS, Fail.ROUTE, Fail.DNS]) {
    standin.fail(which, 120);
    await assert.rejects(open(change), { code: 'ERR_TUN_CONFIGURATION' });
    assert.deepEqual(settings(owner), before);
    assert.deepEqual(owner.configure({}).addresses, ['10.6.0.1/24']);
  }
  assert.equal(standin.dnsGiven, 0);
  await owner.close();
});

test('sessions that are begun again and again leave no handle', async () => {
  const lowestFree = (): number => {
    const event = createEvent(true);
    kernel32().closeHandle(event);
    return event;
  };
  const link = await open();
  const watch = link.watch(() => watch.start());
  watch.start();
  const again = (): void => {
    link.configure({ up: false });
    link.configure({ up: true });
  };
  again();
  await sleep(200);
  const before = lowestFree();
  for (let round = 0; round < 100; round++) again();
  // One that the watch waits for is there until it looks again; and this process has others.
  await sleep(200);
  again();
  const leaked = (lowestFree() - before) / 4;
  assert.ok(leaked < 20, `${leaked} handles`);
  await link.close();
});

test('an adapter of another program is used, and left there without what was set', async () => {
  const owner = await open({ name: 'shared', addresses: [] });
  owner.configure({ up: false });
  const guest = await open({
    name: 'shared',
    addresses: ['10.9.0.1/24'],
    routes: [{ destination: '10.10.0.0/16' }],
    wintun: { existing: true },
  });
  assert.equal(guest.info.interfaceIndex, owner.info.interfaceIndex);
  assert.equal(standin.routes, 1);
  await guest.close();
  assert.deepEqual([standin.adapters, standin.sessions, standin.routes], [1, 0, 0]);
  assert.deepEqual(owner.configure({}).addresses, []);
  await owner.close();
});

test('two programs cannot have a session on one adapter', async () => {
  const owner = await open({ name: 'shared' });
  await assert.rejects(open({ name: 'shared', wintun: { existing: true } }), {
    code: 'ERR_TUN_INVALID_STATE',
    message: /another program has a session/,
  });
  await owner.close();
});

const REFUSALS: readonly (readonly [
  string,
  number,
  number,
  string,
  RegExp,
  Partial<LinkConfig>?,
])[] = [
  [
    'no administrator',
    Fail.CREATE,
    WinError.ACCESS_DENIED,
    'ERR_TUN_NO_PRIVILEGE',
    /Run as administrator/,
  ],
  ['no driver', Fail.CREATE, 1275, 'ERR_TUN_NO_DRIVER', /WintunCreateAdapter.*error 1275/],
  [
    'no session',
    Fail.SESSION,
    8,
    'ERR_TUN_SYSCALL',
    /no session with rings of 2097152 bytes: error 8/,
  ],
  [
    'an MTU',
    Fail.INTERFACE,
    WinError.INVALID_PARAMETER,
    'ERR_TUN_CONFIGURATION',
    /the MTU 1500 was refused/,
  ],
  [
    'an address',
    Fail.ADDRESS,
    WinError.OBJECT_ALREADY_EXISTS,
    'ERR_TUN_CONFIGURATION',
    /10\.7\.0\.1\/24 was refused.*another interface has it/,
  ],
  [
    'an address, of no administrator',
    Fail.ADDRESS,
    WinError.ACCESS_DENIED,
    'ERR_TUN_NO_PRIVILEGE',
    /run as administrator/,
  ],
  [
    'a route',
    Fail.ROUTE,
    WinError.NOT_FOUND,
    'ERR_TUN_CONFIGURATION',
    /the route 10\.8\.0\.0\/16 was refused/,
    { routes: [{ destination: '10.8.0.0/16' }] },
  ],
  [
    'name servers',
    Fail.DNS,
    120,
    'ERR_TUN_CONFIGURATION',
    /the name servers 10\.7\.0\.2 was refused/,
    { wintun: { dns: ['10.7.0.2'] } },
  ],
];

for (const [what, which, error, code, message, change] of REFUSALS) {
  test(`a refusal by Windows names what was refused, and leaves nothing behind: ${what}`, async () => {
    standin.fail(which, error);
    await assert.rejects(open(change), { name: 'TunError', code, message });
  });
}

test('what no Windows has is refused by name', async () => {
  const code = 'ERR_TUN_UNSUPPORTED';
  await assert.rejects(open({ netns: 'blue' }), { code, message: /netns is "blue"/ });
  await assert.rejects(open({ offload: 'carry' }), { code, message: /no super-packets/ });
  for (const change of [{ persist: true }, { owner: 1000 }, { group: 1000 }]) {
    await assert.rejects(open(change), { code, message: /leave persist, owner and group out/ });
  }
  await assert.rejects(open({ name: 'gone', wintun: { existing: true } }), {
    code: 'ERR_TUN_NOT_FOUND',
    message: /no Wintun adapter named "gone"/,
  });
});

test('the IP interfaces are waited for', async () => {
  standin.rowsAfter(60, 90);
  try {
    const link = await open();
    assert.deepEqual(link.info.addresses, linkConfig.addresses);
    await link.close();
  } finally {
    standin.rowsAfter(0, 0);
  }
});

test('a Windows without IPv6 warns, and does the rest', async () => {
  standin.rowsAfter(0, -1);
  const warnings: string[] = [];
  const onWarning = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', onWarning);
  try {
    const routes = [{ destination: '10.8.0.0/16' }, { destination: 'fd08::/32' }];
    const link = await open({ routes });
    assert.deepEqual(link.info.addresses, ['10.7.0.1/24']);
    assert.equal(standin.routes, 1);
    assert.ok(await until(() => warnings.length > 0));
    assert.match(warnings[0]!, /IPv6 is disabled on this Windows/);
    await link.close();
  } finally {
    process.off('warning', onWarning);
    standin.rowsAfter(0, 0);
  }
});

test('name servers are set for each family', async () => {
  const link = await open({ wintun: { dns: ['10.7.0.2', 'fd07::2', '10.7.0.3'] } });
  assert.deepEqual([standin.dns(false), standin.dns(true)], ['10.7.0.2,10.7.0.3', 'fd07::2']);
  await link.close();
});

test('a change that is refused half way is taken back', async () => {
  const link = await open({ routes: [{ destination: '10.8.0.0/16' }] });
  const before = link.info;
  standin.fail(Fail.ROUTE, WinError.INVALID_PARAMETER);
  const change = {
    mtu: 1300,
    addresses: ['10.20.0.1/24'],
    routes: [{ destination: '10.30.0.0/16' }],
  };
  assert.throws(() => link.configure(change), { code: 'ERR_TUN_CONFIGURATION' });
  const after = link.configure({});
  assert.deepEqual(
    { ...after, addresses: [...after.addresses].sort() },
    { ...before, addresses: [...before.addresses].sort() },
  );
  assert.equal(standin.routes, 1);
  await link.close();
});

test('a full ring refuses what has no room, counts it, and takes more when there is', async () => {
  const link = await open({ wintun: { ringBytes: 0x20000 } });
  const index = link.info.interfaceIndex!;
  const packets = Array.from({ length: 200 }, (_, n) => packet(1000, n));
  const { delivered, result, lengths } = givePackets(link, packets);
  const room = Math.floor((0x20000 - 4) / 1032);
  assert.deepEqual([delivered, result.refused], [room, 200 - room]);
  assert.deepEqual(
    lengths.map((length) => length > 0),
    packets.map((_, n) => n < room),
  );
  for (let n = 0; n < room; n++) assert.deepEqual(standin.hostReceive(index), packets[n]);
  assert.equal(standin.hostReceive(index), undefined);
  assert.equal(givePackets(link, packets.slice(0, 9)).delivered, 9);
  await link.close();
});

test('the largest packet passes both ways, and a larger one is discarded and counted', async () => {
  const link = await open({ mtu: 61_424 });
  const index = link.info.interfaceIndex!;
  const largest = packet(61_424 - 28);
  assert.equal(givePackets(link, [largest]).delivered, 1);
  assert.deepEqual(standin.hostReceive(index), largest);
  standin.hostSend(index, largest);
  assert.deepEqual(takePackets(link), [largest]);
  standin.hostSend(index, packet(61_425 - 28));
  standin.hostSend(index, Uint8Array.of(0x55, 1, 2, 3));
  standin.hostSend(index, packet(5));
  const result = new TakeResult();
  assert.ok(link.take(new Uint8Array(0x20000), 0, 256, result) > 0);
  assert.deepEqual([result.packets, result.oversize, result.unreadable], [1, 1, 1]);
  await link.close();
});

test('what is discarded takes no room in the ring for good', async () => {
  const link = await open({ wintun: { ringBytes: 0x20000 } });
  const index = link.info.interfaceIndex!;
  const oversize = packet(61_425 - 28);
  const result = new TakeResult();
  for (let n = 0; n < 9; n++) {
    assert.ok(standin.hostSend(index, oversize), `oversize packet ${n}`);
    assert.ok(standin.hostSend(index, new Uint8Array(30_000).fill(0x55)), `unreadable packet ${n}`);
    link.take(new Uint8Array(0x20000), 0, 256, result);
    assert.deepEqual([result.packets, result.oversize, result.unreadable], [0, 1, 1]);
  }
  assert.equal(link.hostDrops(), 0);
  await link.close();
});

test('a packet that was taken wakes nobody', async () => {
  const link = await open();
  link.discardPending(new TakeResult());
  standin.hostSend(link.info.interfaceIndex!, packet(5));
  assert.equal(takePackets(link).length, 1);
  const words = new Int32Array(new SharedArrayBuffer(4)).fill(1);
  const start = performance.now();
  link.park(0, words, 0, 60);
  const lasted = performance.now() - start;
  assert.ok(lasted > 40, `parked for ${lasted} ms`);
  await link.close();
});

test('of a packet that ended a park the event loop is told as well', async () => {
  const link = await open();
  link.discardPending(new TakeResult());
  standin.hostSend(link.info.interfaceIndex!, packet(5));
  const words = new Int32Array(new SharedArrayBuffer(4)).fill(1);
  const start = performance.now();
  link.park(0, words, 0, 100);
  assert.ok(performance.now() - start < 50);
  let told = false;
  const watch = link.watch(() => {
    told = true;
    watch.stop();
  });
  watch.start();
  assert.ok(await until(() => told));
  assert.equal(takePackets(link).length, 1);
  await link.close();
});

test('a packet longer than the MTU that does not fit is the remainder', async () => {
  const link = await open({ mtu: 600 });
  const index = link.info.interfaceIndex!;
  standin.hostSend(index, packet(1000));
  const result = new TakeResult();
  assert.equal(link.take(new Uint8Array(700), 0, 256, result), 0);
  assert.deepEqual([result.remainderPackets, result.remainderOctets], [1, 1028]);
  assert.deepEqual(link.remainder.slice(16, 16 + 1028), packet(1000));
  await link.close();
});

test('no packet lands outside a view that says it is longer, and elsewhere', async () => {
  const link = await open();
  for (let n = 0; n < 3; n++) standin.hostSend(link.info.interfaceIndex!, packet(1000, n));
  const whole = new Uint8Array(0x10000).fill(0xee);
  const [start, bytes] = [16, 2000];
  const lying = Object.defineProperties(whole.subarray(start, start + bytes), {
    length: { value: 0x8000 },
    byteOffset: { value: 0x4000 },
    buffer: { value: new ArrayBuffer(8) },
  });
  const result = new TakeResult();
  link.take(lying, 0, 256, result);
  assert.equal(result.packets, 1, 'there is room for one');
  assert.deepEqual(whole.slice(start + 16, start + 16 + 1028), packet(1000, 0));
  assert.ok(whole.subarray(start + bytes).every((byte) => byte === 0xee));
  await link.close();
});

test('many rings full pass in order, whatever their sizes', async () => {
  const link = await open({ wintun: { ringBytes: 0x20000 } });
  const index = link.info.interfaceIndex!;
  let sent = 0;
  let seen = 0;
  while (seen < 3000) {
    while (sent < 3000 && standin.hostSend(index, packet((sent * 37) % 1400, sent))) sent++;
    for (const taken of takePackets(link)) {
      assert.deepEqual(taken, packet((seen * 37) % 1400, seen));
      seen++;
    }
  }
  await link.close();
});

test('sleep and waking are told once each, in order, and not after close', async () => {
  const link = await open();
  const phases: string[] = [];
  link.onSystemSleep((phase) => phases.push(phase));
  assert.equal(standin.subscriptions, 1);
  // Windows says resume twice when there is a user, and other things between.
  for (const type of [4, 10, 18, 7]) standin.power(type);
  assert.ok(await until(() => phases.length >= 2));
  standin.power(4);
  assert.ok(await until(() => phases.length >= 3));
  assert.deepEqual(phases, ['suspend', 'resume', 'suspend']);
  await link.close();
});

test('the driver says its version while there is one, and is removed when nobody uses it', async () => {
  deleteDriver(standin.options);
  assert.equal(driverVersion(standin.options), undefined);
  const link = await open();
  assert.equal(driverVersion(standin.options), '0.14');
  assert.throws(() => deleteDriver(standin.options), {
    code: 'ERR_TUN_INVALID_STATE',
    message: /close all adapters first/,
  });
  await link.close();
  deleteDriver(standin.options);
  assert.equal(driverVersion(standin.options), undefined);
});

test('the Wintun adapters of the machine are listed, and no others', async () => {
  const link = await open({ name: 'listed' });
  const [adapter, ...more] = listAdapters(standin.path);
  const { interfaceIndex, luidIndex } = link.info;
  assert.deepEqual(more, []);
  assert.match(adapter!.guid, /^[0-9a-f]{8}-/);
  assert.deepEqual(
    { ...adapter, guid: '' },
    { name: 'listed', description: 'typetun Tunnel', guid: '', interfaceIndex, luidIndex },
  );
  await link.close();
  assert.deepEqual(listAdapters(standin.path), []);
});

test('an adapter cannot be shared with other threads yet, and says so', async () => {
  const link = await open();
  assert.throws(() => link.share(), { code: 'ERR_TUN_UNSUPPORTED', message: /cannot be shared/ });
  await link.close();
});
