/** The adapter on the real kernel, in a network namespace of its own, against the system's own tools. */

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Adapter, type AdapterOptions, type Device, isTunError, swapAddresses } from 'typetun';
import { rootSkip, withNetns } from './support/netns.ts';

const run = promisify(execFile);
const options = { skip: rootSkip('ping') };

/** Runs a command in a namespace and returns what it printed. */
async function inNetns(netns: string, ...command: string[]): Promise<string> {
  const { stdout } = await run('ip', ['netns', 'exec', netns, ...command], { maxBuffer: 1 << 24 });
  return stdout;
}

function interfaces(): string {
  return execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' }).replace(/ (qlen|state) \S+/g, '');
}

/** Reflects until the adapter is closed. */
async function reflect(device: Device): Promise<void> {
  for await (const bundle of device) {
    for (const packet of bundle) swapAddresses(packet, 0);
    await device.write(bundle);
  }
}

/** Seconds. Ping gives its last reply two round trips, but never less than this. */
const PING_INTERVAL = '0.1';

async function withReflector(
  netns: string,
  use: (adapter: Adapter) => Promise<void>,
  extra: AdapterOptions = {},
): Promise<void> {
  await using adapter = await Adapter.create({
    name: 'tt0',
    addresses: ['10.7.0.1/24', 'fd07::1/64'],
    netns,
    ...extra,
  });
  const reflecting = reflect(adapter.openDevice());
  await use(adapter);
  await adapter.close();
  await reflecting;
}

test(
  'the system pings through the reflector, both families, from 0 to the MTU',
  options,
  async () => {
    await withNetns(async (netns) => {
      await withReflector(netns, async () => {
        for (const size of [0, 1, 8, 56, 1000, 1471, 1472]) {
          const printed = await inNetns(
            netns,
            'ping',
            '-n',
            '-c',
            '5',
            '-i',
            PING_INTERVAL,
            '-s',
            String(size),
            '10.7.0.2',
          );
          assert.match(printed, /5 received, 0% packet loss/);
        }
        for (const size of [0, 8, 1452]) {
          const printed = await inNetns(
            netns,
            'ping',
            '-6',
            '-n',
            '-c',
            '5',
            '-i',
            PING_INTERVAL,
            '-s',
            String(size),
            'fd07::2',
          );
          assert.match(printed, /5 received, 0% packet loss/);
        }
      });
    });
  },
);

test('nothing is left behind, also when creation fails half way', options, async () => {
  const before = interfaces();
  await withNetns(async (netns) => {
    const adapter = await Adapter.create({ addresses: ['10.7.0.1/24'], netns });
    await adapter.close();
    await assert.rejects(
      Adapter.create({
        name: 'tt-half',
        netns,
        routes: ['192.0.2.0/24'],
        addresses: ['10.7.0.1/24', '10.7.0.1/24'],
      }),
    );
    assert.doesNotMatch(await inNetns(netns, 'ip', '-o', 'link'), /tun0|tt-half/);
  });
  assert.equal(interfaces(), before);
  assert.deepEqual(await Adapter.list(), []);
});

test("the LUID index is the interface index and the name is the kernel's", options, async () => {
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({ netns });
    const [link] = JSON.parse(await inNetns(netns, 'ip', '-j', 'link', 'show', adapter.name)) as [
      { ifindex: number; ifname: string },
    ];
    assert.equal(adapter.luidIndex, link.ifindex);
    assert.equal(adapter.name, link.ifname);
    assert.equal(adapter.deviceName, `\\\\.\\Device\\WINTUN${link.ifindex}`);
  });
});

test('carrier follows the open handles', options, async () => {
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({ name: 'tt0', addresses: ['10.7.0.1/24'], netns });
    assert.match(await inNetns(netns, 'ip', 'link', 'show', 'tt0'), /NO-CARRIER/);
    const device = adapter.openDevice();
    assert.match(await inNetns(netns, 'ip', 'link', 'show', 'tt0'), /LOWER_UP/);
    await device.close();
    assert.match(await inNetns(netns, 'ip', 'link', 'show', 'tt0'), /NO-CARRIER/);
  });
});

test("a pause holds the system's pings back and a restart lets them pass", options, async () => {
  await withNetns(async (netns) => {
    await withReflector(netns, async (adapter) => {
      await adapter.pause();
      await assert.rejects(inNetns(netns, 'ping', '-c', '3', '-i', '0.05', '-W', '1', '10.7.0.2'));
      assert.ok(adapter.statistics.drops.paused >= 3);
      await adapter.restart();
      assert.match(await inNetns(netns, 'ping', '-c', '1', '10.7.0.2'), /1 received/);
    });
  });
});

test(
  'an interface that is deleted ends the adapter; one set down and up only reports',
  options,
  async () => {
    await withNetns(async (netns) => {
      const adapter = await Adapter.create({ name: 'tt0', addresses: ['10.7.0.1/24'], netns });
      const device = adapter.openDevice();
      const events: string[] = [];
      adapter.on('link', (event) => events.push(event.type));
      const looping = (async () => {
        for await (const bundle of device) assert.ok(bundle.count > 0);
      })();
      const failed = assert.rejects(looping, (error: unknown) =>
        isTunError(error, 'ERR_TUN_ADAPTER_REMOVED'),
      );
      await inNetns(netns, 'ip', 'link', 'set', 'tt0', 'down');
      await inNetns(netns, 'ip', 'link', 'set', 'tt0', 'up');
      await inNetns(netns, 'ip', 'link', 'set', 'tt0', 'mtu', '1400');
      const until = performance.now() + 5000;
      while (events.length < 3 && performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert.equal(adapter.mtu, 1400);
      await inNetns(netns, 'ip', 'link', 'del', 'tt0');
      await failed;
      await adapter.close();
      assert.equal(adapter.state, 'Halted');
      assert.deepEqual(
        events.filter((event) => event !== 'address'),
        ['down', 'up', 'mtu', 'removed'],
      );
    });
  },
);

test(
  'a write while the interface is down counts errors and the adapter goes on',
  options,
  async () => {
    await withNetns(async (netns) => {
      await using adapter = await Adapter.create({
        name: 'tt0',
        addresses: ['10.7.0.1/24'],
        netns,
      });
      const device = adapter.openDevice();
      await inNetns(netns, 'ip', 'link', 'set', 'tt0', 'down');
      const bundle = new Uint8Array(48);
      new Uint32Array(bundle.buffer)[0] = 20;
      bundle.set([0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253], 16);
      assert.equal(await device.write(bundle), 0);
      assert.equal(adapter.statistics.in.errors, 1);
      await inNetns(netns, 'ip', 'link', 'set', 'tt0', 'up');
      assert.equal(await device.write(bundle), 1);
    });
  },
);

test('a packet larger than the MTU the adapter knows is not cut short', options, async () => {
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({
      name: 'tt0',
      addresses: ['10.7.0.1/24'],
      mtu: 1500,
      netns,
    });
    const device = adapter.openDevice();
    await inNetns(netns, 'ip', 'link', 'set', 'tt0', 'mtu', '60000');
    // Three packets of 30 KB and a buffer for two: the third must come whole with the next read.
    await inNetns(
      netns,
      'ping',
      '-c',
      '3',
      '-i',
      '0.01',
      '-W',
      '1',
      '-s',
      '30000',
      '10.7.0.2',
    ).catch(() => '');
    const lengths: number[] = [];
    while (lengths.length < 3) {
      const bundle = device.readSync(new Uint8Array(0xf000), { timeoutMs: 1000 });
      assert.ok(bundle !== null, `only ${lengths.length} packets came`);
      for (const packet of bundle) lengths.push(packet.length);
    }
    assert.deepEqual(lengths, [30_028, 30_028, 30_028]);
  });
});

const REFUSALS: readonly (readonly [string, AdapterOptions, string, RegExp])[] = [
  ['a name that is taken', { name: 'lo' }, 'ERR_TUN_NAME_TAKEN', /"lo" is taken; choose another/],
  [
    'a namespace that is not there',
    { netns: 'no-such-ns' },
    'ERR_TUN_NETNS',
    /"no-such-ns" cannot be opened at \/var\/run\/netns\/no-such-ns/,
  ],
  ['a namespace that is a file', { netns: '/etc/hostname' }, 'ERR_TUN_NETNS', /\/etc\/hostname/],
];

for (const [what, wrong, code, message] of REFUSALS) {
  test(`the kernel link refuses ${what} with the remedy`, options, async () => {
    const before = interfaces();
    await assert.rejects(Adapter.create(wrong), (error: unknown) => {
      assert.ok(isTunError(error), String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
    assert.equal(interfaces(), before);
  });
}

test('the name of a live adapter is taken', options, async () => {
  await withNetns(async (netns) => {
    await using first = await Adapter.create({ name: 'tt0', netns });
    await assert.rejects(Adapter.create({ name: 'tt0', netns }), (error: unknown) =>
      isTunError(error, 'ERR_TUN_NAME_TAKEN'),
    );
    assert.equal(first.state, 'Running');
  });
});
