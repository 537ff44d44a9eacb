/** Adapters on interfaces that exist, by name: made by root, used by whoever owns them. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Adapter, type AdapterOptions } from 'typetun';
import { linuxLink } from '#dist/link/linux/provider.js';
import { getInterface, setInterface, TunFlag } from '#dist/link/linux/tun-requests.js';
import { inNetworkNamespace } from '#dist/os/namespaces.js';
import { linkConfig, until } from '../support/link-use.ts';
import { features } from './support/features.ts';
import { carrierSeen, ip, rootSkip, withNetns } from './support/netns.ts';
import { runAsUser, USER } from './support/user.ts';

const options = { skip: rootSkip('ping') };
const run = promisify(execFile);

const PERSISTENT: AdapterOptions = {
  name: 'tt0',
  addresses: ['10.7.0.1/24', 'fd07::1/64'],
  mtu: 1400,
  persist: true,
  owner: USER,
};

/** Makes a persistent interface as a program would, and leaves it. */
async function makePersistent(netns: string, extra: AdapterOptions = {}): Promise<void> {
  const adapter = await Adapter.create({ ...PERSISTENT, ...extra, netns });
  await adapter.close();
}

/** A program that sends back what comes to the adapter it opens, 12 packets of it, and prints what it has. */
const REFLECT = `
  import { Adapter, swapAddresses } from 'typetun';
  const adapter = await Adapter.open('tt0');
  const device = adapter.openDevice();
  const { name, mtu, addresses, properties } = adapter;
  console.log(JSON.stringify({ uid: process.getuid(), name, mtu, addresses, offload: properties.offload }));
  let packets = 0;
  for await (const bundle of device) {
    for (const packet of bundle) {
      swapAddresses(packet, 0);
      // Multicast reports are the kernel's own, and whenever it likes: their destination is now the source.
      if (packet[0] >> 4 === 4 || packet[8] !== 0xff) packets++;
    }
    await device.write(bundle);
    if (packets >= 12) break;
  }
  await adapter.close();
`;

test(
  'an interface that root made persistent is opened and used by its owner, again and again',
  options,
  async () => {
    await withNetns(async (netns) => {
      await makePersistent(netns);
      for (let round = 0; round < 2; round++) {
        let pinged: Promise<{ stdout: string }[]> | undefined;
        const ping = (address: string): Promise<{ stdout: string }> =>
          run('ip', [
            'netns',
            'exec',
            netns,
            'ping',
            '-c',
            '3',
            '-i',
            '0.1',
            '-s',
            '1000',
            address,
          ]);
        const printed = await runAsUser(netns, REFLECT, {
          onOutput: () => {
            pinged ??= carrierSeen(netns, 'tt0').then(() =>
              Promise.all([ping('10.7.0.2'), ping('fd07::2')]),
            );
          },
        });
        const { addresses, ...seen } = JSON.parse(printed) as { addresses: string[] };
        assert.deepEqual(seen, { uid: USER, name: 'tt0', mtu: 1400, offload: 'split' });
        assert.deepEqual(addresses.sort(), ['10.7.0.1/24', 'fd07::1/64']);
        for (const { stdout } of await pinged!) assert.match(stdout, /3 received/);
        const left = await ip('-n', netns, '-d', 'link', 'show', 'tt0');
        assert.match(left, /persist on user nobody/);
      }
    });
  },
);

test('offload ends with the adapter, so that the next program finds none', options, async () => {
  await withNetns(async (netns) => {
    await makePersistent(netns);
    assert.deepEqual(features(netns, 'tt0'), [0, 0]);
    const adapter = await Adapter.open('tt0', { netns });
    assert.equal(adapter.properties.offload, 'split');
    assert.deepEqual(features(netns, 'tt0'), [1, 1]);
    await adapter.close();
    assert.deepEqual(features(netns, 'tt0'), [0, 0]);
    const off = await Adapter.open('tt0', { netns, offload: 'off' });
    assert.equal(off.properties.offload, 'off');
    await off.close();
  });
});

test('whoever has the right sets what is not so already, and it stays', options, async () => {
  await withNetns(async (netns) => {
    await ip('-n', netns, 'tuntap', 'add', 'tt0', 'mode', 'tun');
    const adapter = await Adapter.open('tt0', {
      netns,
      addresses: ['10.7.0.1/24'],
      mtu: 1300,
      routes: ['10.8.0.0/16'],
      ipv6LinkLocal: false,
      hostQueueLength: 700,
    });
    assert.deepEqual([adapter.mtu, adapter.addresses], [1300, ['10.7.0.1/24']]);
    await adapter.configure({ mtu: 1280 });
    await adapter.close();
    const shown = await ip('-n', netns, 'addr', 'show', 'tt0');
    assert.match(shown, /mtu 1280 .* qlen 700\n.*\n *inet 10\.7\.0\.1\/24/);
    assert.match(await ip('-n', netns, 'route', 'show', 'dev', 'tt0'), /10\.8\.0\.0\/16/);
  });
});

test(
  'an interface with several queues gives as many as are asked for, to its owner too',
  options,
  async () => {
    await withNetns(async (netns) => {
      await makePersistent(netns, { queues: 2 });
      const printed = await runAsUser(
        netns,
        `import { Adapter } from 'typetun';
       const adapter = await Adapter.open('tt0', { queues: 3 });
       console.log(adapter.properties.capabilities.queues);
       await adapter.close();`,
      );
      assert.equal(printed, '3\n');
      // A single queue is all that another interface has.
      await ip('-n', netns, 'link', 'del', 'tt0');
      await makePersistent(netns);
      await using adapter = await Adapter.open('tt0', { netns, queues: 3 });
      assert.equal(adapter.properties.capabilities.queues, 1);
    });
  },
);

test('a queue beside those of another program has its flags', options, async () => {
  await withNetns(async (netns) => {
    const flags = TunFlag.TUN | TunFlag.NO_PI | TunFlag.MULTI_QUEUE;
    const fd = inNetworkNamespace(netns, () => {
      const opened = openSync('/dev/net/tun', constants.O_RDWR);
      assert.equal(setInterface(opened, 'tt0', flags), 'tt0');
      return opened;
    });
    await using adapter = await Adapter.open('tt0', { netns });
    assert.equal(adapter.properties.offload, 'off');
    await assert.rejects(Adapter.open('tt0', { netns, offload: 'carry' }), {
      code: 'ERR_TUN_UNSUPPORTED',
      message: /another program uses it without/,
    });
    assert.equal(getInterface(fd)!.flags & TunFlag.VNET_HDR, 0);
    await adapter.close();
    closeSync(fd);
  });
});

test(
  'an interface that is down and may not be brought up is opened with a warning',
  options,
  async () => {
    await withNetns(async (netns) => {
      await ip('-n', netns, 'tuntap', 'add', 'tt0', 'mode', 'tun', 'user', String(USER));
      const printed = await runAsUser(
        netns,
        `import { Adapter } from 'typetun';
       process.on('warning', ({ name, message }) => console.log(name, message));
       const adapter = await Adapter.open('tt0');
       await new Promise((resolve) => setImmediate(resolve));
       await adapter.close();`,
      );
      assert.match(printed, /^TypetunWarning the interface "tt0" is down .*ip link set tt0 up/);
    });
  },
);

const REFUSED: readonly (readonly [what: string, make: readonly string[], expected: RegExp])[] = [
  ['that does not exist', [], /^ERR_TUN_NOT_FOUND .*no interface "tt0"/],
  [
    'that is no TUN',
    ['link', 'add', 'tt0', 'type', 'veth', 'peer', 'tt1'],
    /^ERR_TUN_NOT_TUN .*no TUN device/,
  ],
  [
    'that is a TAP',
    ['tuntap', 'add', 'tt0', 'mode', 'tap', 'user', '65534'],
    /^ERR_TUN_NOT_TUN .*TAP/,
  ],
  [
    "that is another user's",
    ['tuntap', 'add', 'tt0', 'mode', 'tun', 'user', '1234'],
    /^ERR_TUN_NO_PRIVILEGE .*belongs to user 1234.*runs as user 65534/,
  ],
  [
    "that is another group's",
    ['tuntap', 'add', 'tt0', 'mode', 'tun', 'group', '1234'],
    /^ERR_TUN_NO_PRIVILEGE .*belongs to group 1234/,
  ],
  [
    "that is the user's, and another group's",
    ['tuntap', 'add', 'tt0', 'mode', 'tun', 'user', '65534', 'group', '1234'],
    /^ERR_TUN_NO_PRIVILEGE .*belongs to user 65534 in group 1234, .*runs as user 65534 in group 65534 .*make the interface with "user 65534" and no group/,
  ],
];

for (const [what, make, expected] of REFUSED) {
  test(`an interface ${what} is refused`, options, async () => {
    await withNetns(async (netns) => {
      if (make.length > 0) await ip('-n', netns, ...make);
      const printed = await runAsUser(
        netns,
        `import { Adapter } from 'typetun';
         import { readdirSync } from 'node:fs';
         const attempt = () => Adapter.open('tt0').catch(({ code, message }) => console.log(code, message));
         await attempt();
         const before = readdirSync('/proc/self/fd').length;
         await attempt();
         console.log(readdirSync('/proc/self/fd').length - before);`,
      );
      assert.match(printed, expected);
      assert.match(printed, /\n0\n$/, 'descriptors left');
    });
  });
}

test(
  "a persistent interface that was given no owner is its maker's, and not everybody's",
  options,
  async () => {
    await withNetns(async (netns) => {
      const adapter = await Adapter.create({ name: 'tt0', persist: true, netns });
      await adapter.close();
      assert.match(await ip('-n', netns, '-d', 'link', 'show', 'tt0'), /persist on user root/);
      const printed = await runAsUser(
        netns,
        `import { Adapter } from 'typetun';
       await Adapter.open('tt0').catch(({ code, message }) => console.log(code, message));`,
      );
      assert.match(printed, /^ERR_TUN_NO_PRIVILEGE .*belongs to user 0/);
    });
  },
);

test('a name that is free stays free: nothing is made of it, also by root', options, async () => {
  await withNetns(async (netns) => {
    await assert.rejects(Adapter.open('tt0', { netns }), { code: 'ERR_TUN_NOT_FOUND' });
    assert.equal(await ip('-n', netns, '-o', 'link', 'show', 'type', 'tun'), '');
  });
});

test('an interface that another program is attached to is busy', options, async () => {
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({ name: 'tt0', netns });
    const before = readdirSync('/proc/self/fd').length;
    await assert.rejects(Adapter.open('tt0', { netns }), {
      code: 'ERR_TUN_BUSY',
      message: /another program is attached to the interface "tt0"/,
    });
    assert.equal(readdirSync('/proc/self/fd').length, before);
    assert.equal(adapter.state, 'Running');
  });
});

test('a namespace is given by path as well, and one that is none is refused', options, async () => {
  await withNetns(async (netns) => {
    await makePersistent(netns);
    await using adapter = await Adapter.open('tt0', { netns: `/var/run/netns/${netns}` });
    assert.equal(adapter.name, 'tt0');
    await assert.rejects(Adapter.open('tt0', { netns: 'no-such' }), { code: 'ERR_TUN_NETNS' });
  });
});

test('a persistent interface is followed, and its removal ends the adapter', options, async () => {
  await withNetns(async (netns) => {
    await makePersistent(netns);
    await using adapter = await Adapter.open('tt0', { netns });
    await ip('-n', netns, 'link', 'set', 'tt0', 'mtu', '1234');
    assert.ok(await until(() => adapter.mtu === 1234));
    await ip('-n', netns, 'link', 'del', 'tt0');
    assert.ok(await until(() => adapter.state === 'Halted'));
  });
});

test('creation that fails leaves no persistent interface', options, async () => {
  await withNetns(async (netns) => {
    await ip('netns', 'exec', netns, 'sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
    await assert.rejects(Adapter.create({ ...PERSISTENT, netns }), {
      code: 'ERR_TUN_CONFIGURATION',
    });
    assert.equal(await ip('-n', netns, '-o', 'link', 'show', 'type', 'tun'), '');
  });
});

test('a link that nobody used leaves no persistent interface', options, async () => {
  await withNetns(async (netns) => {
    const link = await linuxLink().open({ ...linkConfig, name: 'tt0', persist: true, netns });
    await link.close();
    assert.equal(await ip('-n', netns, '-o', 'link', 'show', 'type', 'tun'), '');
  });
});

test('the doctor names the interfaces that this user may open', options, async () => {
  await withNetns(async (netns) => {
    const doctor = `import { persistentInterfaces } from '#dist/cli/doctor/persistent.js';
      const { detail, remedy } = persistentInterfaces(); console.log(detail, remedy);`;
    assert.match(await runAsUser(netns, doctor), /there are none as root: ip tuntap .* user 65534/);
    await ip('-n', netns, 'tuntap', 'add', 'tap0', 'mode', 'tap', 'user', String(USER));
    await ip('-n', netns, 'tuntap', 'add', 'tt0', 'mode', 'tun', 'user', '1234');
    assert.match(await runAsUser(netns, doctor), /: tt0 belong to others/);
    await ip('-n', netns, 'tuntap', 'add', 'tt1', 'mode', 'tun', 'user', String(USER));
    await ip('-n', netns, 'tuntap', 'add', 'tt2', 'mode', 'tun', 'group', String(USER));
    assert.match(await runAsUser(netns, doctor), /^this user may open tt(1, tt2|2, tt1) by name/);
  });
});

test(
  'the doctor names those that open, whoever they belong to, and no other',
  options,
  async () => {
    await withNetns(async (netns) => {
      const owners = [[], ['user', String(USER)], ['user', '1234']];
      const groups = [[], ['group', String(USER)], ['group', '1234']];
      const all = owners.flatMap((owner) => groups.map((group) => [...owner, ...group]));
      for (const [i, whose] of all.entries()) {
        await ip('-n', netns, 'tuntap', 'add', `tt${i}`, 'mode', 'tun', ...whose);
        await ip('-n', netns, 'link', 'set', `tt${i}`, 'up');
      }
      const printed = await runAsUser(
        netns,
        `import { persistentInterfaces } from '#dist/cli/doctor/persistent.js';
       import { Adapter } from 'typetun';
       const open = [];
       for (let i = 0; i < ${all.length}; i++) {
         const adapter = await Adapter.open('tt' + i).catch(() => undefined);
         if (adapter !== undefined) open.push(adapter.name);
         await adapter?.close();
       }
       const { detail } = persistentInterfaces();
       console.log(JSON.stringify([open, [...new Set(detail.match(/tt[0-9]/g))].sort(), detail]));`,
      );
      const [open, named, detail] = JSON.parse(printed) as [string[], string[], string];
      assert.ok(open.includes('tt3') && !open.includes('tt6'), printed);
      assert.deepEqual(named, open);
      assert.match(
        detail,
        /^this user may open tt0, .* by name; whoever may open \/dev\/net\/tun may open tt0, which has no owner/,
      );
    });
  },
);
