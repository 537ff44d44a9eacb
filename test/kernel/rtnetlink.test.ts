/** Our rtnetlink on the real kernel, each time in a namespace of its own, against the system's `ip`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isTunError, type TunErrorCode } from '#dist/errors.js';
import { configureDevice, reconfigureDevice } from '#dist/link/linux/configure.js';
import { readDevice, readHostDrops, readLink } from '#dist/link/linux/device-state.js';
import { changeLink } from '#dist/link/linux/rtnetlink-link.js';
import { inNetworkNamespace } from '#dist/os/namespaces.js';
import { NetlinkSocket } from '#dist/os/netlink-socket.js';
import { rootSkip } from './support/netns.ts';
import { PLAIN, type TunDevice, withTun } from './support/tun-device.ts';

const options = { skip: rootSkip() };
/** linux/rtnetlink.h. */
const RTMGRP_LINK = 1;
const LINK_LOCAL = /^fe80:/;

/** Whether an error has this code and its message matches. */
function refusal(code: TunErrorCode, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(isTunError(error, code), String(error));
    assert.match(error.message, message);
    return true;
  };
}

/** Waits until `condition` holds, for as long as a carrier change takes (up to 1 s) and then some. */
async function until(condition: () => boolean): Promise<boolean> {
  for (let i = 0; i < 150; i++) {
    if (condition()) return true;
    await sleep(20);
  }
  return false;
}

function configure(device: TunDevice, config: Partial<typeof PLAIN> = {}) {
  return configureDevice(device.socket, device.index, { ...PLAIN, ...config });
}

function reconfigure(
  device: TunDevice,
  own: Partial<typeof PLAIN>,
  change: Parameters<typeof reconfigureDevice>[3],
) {
  return reconfigureDevice(device.socket, device.index, { ...PLAIN, ...own }, change);
}

test('a configured device is what the system shows', options, async () => {
  await withTun((device) => {
    const info = configure(device, {
      routes: [
        { destination: '192.0.2.0/24' },
        { destination: '0.0.0.0/0', metric: 50 },
        { destination: '2001:db8::/32' },
        { destination: '::/0', metric: 60 },
      ],
    });
    assert.deepEqual(info, {
      name: device.name,
      interfaceIndex: device.index,
      mtu: 1400,
      up: true,
      addresses: ['10.7.0.1/24', 'fd07::1/64'],
    });
    const shown = device.show();
    assert.ok(shown.flags.includes('UP'));
    assert.equal(shown.mtu, 1400);
    assert.equal(shown.txqlen, 777);
    assert.deepEqual(device.addresses(), ['10.7.0.1/24', 'fd07::1/64']);
    assert.deepEqual(device.routes().sort(), [
      '192.0.2.0/24',
      '2001:db8::/32 1024',
      'default 50',
      'default 60',
    ]);
  });
});

test('the kernel makes a link-local address exactly when it is asked to', options, async () => {
  const hasLinkLocal = (device: TunDevice): boolean =>
    device.addresses().some((address) => LINK_LOCAL.test(address));
  await withTun(async (device) => {
    configure(device, { ipv6LinkLocal: true });
    assert.ok(await until(() => hasLinkLocal(device)));
  });
  await withTun(async (device) => {
    configure(device);
    await sleep(1500);
    assert.deepEqual(device.addresses(), ['10.7.0.1/24', 'fd07::1/64']);
  });
});

test('new addresses replace those of the link, and no others', options, async () => {
  await withTun((device) => {
    configure(device);
    device.ip('addr', 'add', '10.99.0.1/24', 'dev', device.name);
    const addresses = ['10.7.0.2/24', '10.7.0.3/24', 'fd07::2/64'];
    const info = reconfigure(device, {}, { addresses });
    assert.deepEqual(device.addresses().sort(), ['10.99.0.1/24', ...addresses].sort());
    assert.deepEqual([...info.addresses].sort(), ['10.99.0.1/24', ...addresses].sort());
  });
});

test('an address outlives the one whose subnet it shares', options, async () => {
  await withTun((device) => {
    const addresses = ['10.7.0.1/24', '10.7.0.2/24'];
    configure(device, { addresses });
    reconfigure(device, { addresses }, { addresses: ['10.7.0.2/24'] });
    assert.deepEqual(device.addresses(), ['10.7.0.2/24']);
  });
});

test('new routes replace those of the link, and no others', options, async () => {
  await withTun((device) => {
    const routes = [{ destination: '192.0.2.0/24' }, { destination: '2001:db8::/32', metric: 9 }];
    configure(device, { routes });
    device.ip('route', 'add', '198.51.100.0/24', 'dev', device.name, 'proto', 'static');
    reconfigure(
      device,
      { routes },
      { routes: [{ destination: '192.0.2.0/24', metric: 3 }, { destination: '10.7.0.0/24' }] },
    );
    assert.deepEqual(device.routes(), ['192.0.2.0/24 3', '198.51.100.0/24']);
    reconfigure(device, { routes: [{ destination: '10.7.0.0/24' }] }, { routes: [] });
    assert.match(device.ip('route'), /10\.7\.0\.0\/24 .*proto kernel/);
  });
});

test('routes survive a change of all addresses', options, async () => {
  await withTun((device) => {
    const routes = [{ destination: '192.0.2.0/24' }, { destination: '2001:db8::/32' }];
    configure(device, { routes });
    reconfigure(device, { routes }, { addresses: ['10.8.0.1/24', 'fd08::1/64'] });
    assert.deepEqual(device.routes(), ['192.0.2.0/24', '2001:db8::/32 1024']);
  });
});

test('down and up again, the device has its addresses and routes', options, async () => {
  await withTun((device) => {
    const routes = [{ destination: '192.0.2.0/24' }, { destination: '2001:db8::/32' }];
    configure(device, { routes });
    const down = reconfigure(device, { routes }, { up: false });
    assert.equal(down.up, false);
    assert.ok(!device.show().flags.includes('UP'));
    const up = reconfigure(device, { routes }, { up: true });
    assert.equal(up.up, true);
    assert.deepEqual(device.addresses(), ['10.7.0.1/24', 'fd07::1/64']);
    assert.deepEqual(device.routes(), ['192.0.2.0/24', '2001:db8::/32 1024']);
  });
});

test('IPv6 comes back with the MTU, without a link-local address', options, async () => {
  await withTun(async (device) => {
    const routes = [{ destination: '192.0.2.0/24' }];
    configure(device, { routes });
    reconfigure(device, { routes }, { mtu: 600, addresses: ['10.7.0.1/24'] });
    assert.equal(device.show().mtu, 600);
    reconfigure(
      device,
      { routes, addresses: ['10.7.0.1/24'] },
      { mtu: 1500, addresses: ['10.7.0.1/24', 'fd07::1/64'] },
    );
    await sleep(1500);
    assert.deepEqual(device.addresses(), ['10.7.0.1/24', 'fd07::1/64']);
    assert.deepEqual(device.routes(), ['192.0.2.0/24']);
  });
});

test('a refused change names the value and leaves the device as it was', options, async () => {
  const changes = [
    [{ mtu: 70_000 }, /the MTU 70000 was refused .*EINVAL/],
    [{ mtu: 1300, addresses: ['10.7.0.9/24', 'ff02::1/64'] }, /ff02::1\/64 .*EADDRNOTAVAIL/],
    [{ addresses: ['fd07::1/64', 'fd07::1/48'] }, /fd07::1\/48 .*EEXIST.*prefix length/],
    [{ routes: [{ destination: '203.0.113.0/24' }] }, /203\.0\.113\.0\/24 .*EEXIST.*metric/],
    [{ routes: [{ destination: '10.9.0.1/16' }] }, /10\.9\.0\.1\/16 .*EINVAL.*host bits/],
    [{ mtu: 1000, addresses: ['fd07::1/64'] }, /fd07::1\/64 .*MTU below 1280/],
  ] as const;
  await withTun((device) => {
    const routes = [{ destination: '192.0.2.0/24' }];
    configure(device, { routes });
    device.ip('link', 'set', 'lo', 'up');
    device.ip('route', 'add', '203.0.113.0/24', 'dev', 'lo');
    for (const [change, message] of changes) {
      assert.throws(
        () => reconfigure(device, { routes }, change),
        refusal('ERR_TUN_CONFIGURATION', message),
      );
      assert.deepEqual(device.addresses(), ['10.7.0.1/24', 'fd07::1/64']);
      assert.deepEqual(device.routes(), ['192.0.2.0/24']);
      assert.equal(device.show().mtu, 1400);
    }
  });
});

test('disabled IPv6 is named, with the setting that disables it', options, async () => {
  await withTun((device) => {
    device.run('sysctl', '-q', '-w', 'net.ipv6.conf.all.disable_ipv6=1');
    const disabled = refusal(
      'ERR_TUN_CONFIGURATION',
      /IPv6 is disabled \(sysctl net\.ipv6\.conf.*disable_ipv6=0/,
    );
    assert.throws(() => configure(device), disabled);
    const routes = [{ destination: '2001:db8::/32' }];
    assert.throws(() => configure(device, { addresses: [], routes }), disabled);
    assert.throws(() => configure(device, { addresses: [], ipv6LinkLocal: true }), disabled);
    assert.deepEqual(configure(device, { addresses: ['10.7.0.1/24'] }).addresses, ['10.7.0.1/24']);
  });
});

test('without the capability the refusal says what is missing', options, async () => {
  await withTun((device) => {
    // rtnetlink asks for the capability at the time of each request.
    assert.ok(process.seteuid !== undefined);
    process.seteuid(65_534);
    try {
      assert.throws(
        () => configure(device),
        refusal('ERR_TUN_NO_PRIVILEGE', /CAP_NET_ADMIN.*root/),
      );
    } finally {
      process.seteuid(0);
    }
  });
});

test('what others change is reported, once each', options, async () => {
  await withTun((device) => {
    const types = (): string[] => device.events.readEvents().map(({ type }) => type);
    device.events.noteOwn(configure(device));
    assert.deepEqual(types(), []);
    device.ip('link', 'set', device.name, 'mtu', '1350');
    const [event, ...more] = device.events.readEvents();
    assert.deepEqual(more, []);
    assert.equal(event?.type, 'mtu');
    assert.equal(event?.info.mtu, 1350);
    device.ip('addr', 'add', '10.99.0.1/24', 'dev', device.name);
    const [added] = device.events.readEvents();
    assert.equal(added?.type, 'address');
    assert.ok(added?.info.addresses.includes('10.99.0.1/24'));
    device.ip('addr', 'del', 'fd07::1/64', 'dev', device.name);
    assert.deepEqual(types(), ['address']);
    device.ip('link', 'set', device.name, 'down');
    assert.deepEqual(types(), ['down']);
    device.ip('link', 'set', device.name, 'up');
    assert.deepEqual(types(), ['up']);
    assert.deepEqual(types(), []);
  });
});

test('what the link changes itself is no event, and neither is carrier', options, async () => {
  await withTun(async (device) => {
    device.events.noteOwn(configure(device));
    const change = { mtu: 1300, addresses: ['10.8.0.1/24', 'fd08::1/64'] };
    device.events.noteOwn(reconfigure(device, {}, change));
    device.events.noteOwn(reconfigure(device, change, { up: false }));
    device.events.noteOwn(reconfigure(device, change, { up: true }));
    device.ip('link', 'set', device.name, 'carrier', 'off');
    await sleep(1200);
    assert.deepEqual(device.events.readEvents(), []);
  });
});

test('a removed device is reported once, as it was last seen', options, async () => {
  await withTun((device) => {
    const info = configure(device);
    device.events.noteOwn(info);
    device.ip('link', 'del', device.name);
    assert.deepEqual(device.events.readEvents(), [{ type: 'removed', info }]);
    assert.deepEqual(device.events.readEvents(), []);
    assert.equal(readDevice(device.socket, device.index), undefined);
    assert.equal(readHostDrops(device.socket, device.index), undefined);
    assert.throws(
      () => reconfigure(device, {}, { mtu: 1300 }),
      refusal('ERR_TUN_ADAPTER_REMOVED', /gone/),
    );
  });
});

/** Longer than the kernel puts off telling of a changed operational state: 1 s (net/core/link_watch.c). */
const LINKWATCH_MS = 1200;

test('changes of other interfaces do not even wake the reader', options, async () => {
  await withTun(async (device) => {
    device.events.noteOwn(configure(device));
    // The kernel tells of a new device's operational state up to a second late (linkwatch).
    await new Promise((resolve) => setTimeout(resolve, LINKWATCH_MS));
    device.events.readEvents();
    device.ip('tuntap', 'add', 'other0', 'mode', 'tun');
    device.ip('addr', 'add', '10.98.0.1/24', 'dev', 'other0');
    device.ip('link', 'set', 'other0', 'up');
    assert.equal(device.hasNotifications(), false);
    device.ip('link', 'set', device.name, 'mtu', '1350');
    assert.equal(device.hasNotifications(), true);
  });
});

test('after more notifications than a socket holds the state is right', options, async () => {
  await withTun((device) => {
    const info = configure(device);
    device.events.noteOwn(info);
    const subscribed = inNetworkNamespace(device.netns, () => NetlinkSocket.open(RTMGRP_LINK));
    for (let i = 0; i < 1000; i++) {
      device.socket.request(changeLink(device.index, { mtu: 1300 + (i % 2) }));
    }
    device.socket.request(changeLink(device.index, { mtu: 1299 }));
    assert.equal(subscribed.receive(), 'overrun');
    assert.deepEqual(subscribed.receive(), []);
    subscribed.close();
    assert.deepEqual(device.events.readEvents(), [{ type: 'mtu', info: { ...info, mtu: 1299 } }]);
    device.ip('link', 'set', device.name, 'mtu', '1350');
    assert.equal(device.events.readEvents().at(0)?.info.mtu, 1350);
  });
});

test('packets dropped in front of the device are counted', { skip: rootSkip('ping') }, async () => {
  await withTun((device) => {
    const hostQueueLength = 10;
    configure(device, { hostQueueLength });
    const before = readHostDrops(device.socket, device.index) ?? Number.NaN;
    device.run('ping', '-c', '40', '-l', '40', '-W', '1', '-q', '10.7.0.2');
    const after = readHostDrops(device.socket, device.index) ?? Number.NaN;
    assert.ok(after > before, `${before} before, ${after} after`);
    assert.equal(readLink(device.socket, device.index).queueLength, hostQueueLength);
  });
});
