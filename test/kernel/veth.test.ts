/** Adapters over a veth pair: what is particular about them beside the link contract. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Adapter, type AdapterOptions, receiveAdapter, sendAdapter, swapAddresses } from 'typetun';
import { GiveResult } from '#dist/link/link.js';
import { vethLink } from '#dist/link/linux/veth-provider.js';
import { libc } from '#dist/os/libc.js';
import { inNetworkNamespace } from '#dist/os/namespaces.js';
import { linkAddress, openPacketSocket, packetBinding } from '#dist/os/packet-socket.js';
import { createBundleIndex, indexBundle } from '#dist/wire/bundle.js';
import { ipHeaderBytes, transportChecksum } from '../support/checksums.ts';
import { pattern, udpPacket } from '../support/ip-packets.ts';
import { bundleOf, linkConfig, takePackets, until } from '../support/link-use.ts';
import { startWorker } from '../support/workers.ts';
import { ip, rootSkip, withNetns } from './support/netns.ts';
import { queueLimit } from './support/packet-socket.ts';
import { runAsUser } from './support/user.ts';

const options = { skip: rootSkip('ping') };
const run = promisify(execFile);

async function withAdapter(
  given: AdapterOptions,
  use: (adapter: Adapter, netns: string) => Promise<void>,
): Promise<void> {
  await withNetns(async (netns) => {
    const addresses = ['10.7.0.1/24', 'fd07::1/64'];
    await using adapter = await Adapter.create({ link: 'veth', addresses, netns, ...given });
    await use(adapter, netns);
  });
}

function inside(netns: string, ...command: string[]): Promise<{ stdout: string; stderr: string }> {
  return run('ip', ['netns', 'exec', netns, ...command]);
}

/** Sends everything back; what came is kept in the array that is returned. */
function reflect(adapter: Adapter): Uint8Array[] {
  const seen: Uint8Array[] = [];
  const device = adapter.openDevice();
  device.unref();
  const reflecting = async (): Promise<void> => {
    for await (const bundle of device) {
      for (const packet of bundle) {
        seen.push(packet.slice());
        swapAddresses(packet, 0);
      }
      await device.write(bundle);
    }
  };
  reflecting().catch(() => {});
  return seen;
}

const SOCK_RAW = 3;
const AF_PACKET = 17;
/** Ethernet headers: to and from nobody in particular, IPv4, once with a tag of IEEE 802.1Q in front. */
const NOBODY: readonly number[] = new Array<number>(12).fill(2);
const UNTAGGED: readonly number[] = [...NOBODY, 0x08, 0x00];
const VLAN_7: readonly number[] = [...NOBODY, 0x81, 0x00, 0x00, 0x07, 0x08, 0x00];

/** Has the interface send a frame. */
function sendFrame(netns: string, name: string, frame: readonly number[]): void {
  inNetworkNamespace(netns, () => {
    const fd = libc().socket(AF_PACKET, SOCK_RAW, 0);
    const address = linkAddress(libc().ifNameToIndex(name), 0, new Uint8Array(0));
    const bytes = Uint8Array.from(frame);
    assert.equal(libc().sendto(fd, bytes, bytes.length, 0, address, address.length), bytes.length);
    closeSync(fd);
  });
}

/** A program that sends 8 MiB by TCP to itself, by way of an address behind the adapter. */
const TRANSFER = (local: string, remote: string): string => `
  const { createServer, connect } = require('node:net');
  const bytes = 8 * 1024 * 1024;
  let got = 0;
  const server = createServer((socket) => socket.on('data', (data) => {
    got += data.length;
    if (got === bytes) { console.log('all'); process.exit(); }
  })).listen(5001, ${JSON.stringify(local)}, () => {
    connect(5001, ${JSON.stringify(remote)}).end(Buffer.alloc(bytes, 7));
  });`;

for (const [local, remote] of [
  ['10.7.0.1', '10.7.0.2'],
  ['fd07::1', 'fd07::2'],
] as const) {
  test(
    `of TCP to ${remote} every packet is within the MTU, its checksum right`,
    options,
    async () => {
      await withAdapter({ mtu: 1400 }, async (adapter, netns) => {
        const seen = reflect(adapter);
        const { stdout } = await inside(netns, process.execPath, '-e', TRANSFER(local, remote));
        assert.equal(stdout, 'all\n');
        assert.ok(seen.length > 1000, `${seen.length} packets`);
        assert.equal(Math.max(...seen.map((packet) => packet.length)), 1400);
        const wrong = seen.filter((packet) => transportChecksum(packet) !== 0);
        assert.deepEqual(
          wrong.map((packet) => [packet.length, ipHeaderBytes(packet)]),
          [],
        );
      });
    },
  );
}

test('names are those of a TUN, and a name that is taken is refused', options, async () => {
  await withNetns(async (netns) => {
    await ip('-n', netns, 'tuntap', 'add', 'tun0', 'mode', 'tun');
    await using first = await Adapter.create({ link: 'veth', netns });
    await using second = await Adapter.create({ link: 'veth', netns });
    assert.deepEqual([first.name, second.name], ['tun1', 'tun2']);
    await assert.rejects(Adapter.create({ link: 'veth', netns, name: 'tun1' }), {
      code: 'ERR_TUN_NAME_TAKEN',
      message: /"tun1" is taken/,
    });
    // Nothing of the attempt is left, its second namespace with the other end included.
    const { stdout } = await inside(netns, 'ip', '-o', 'link');
    assert.equal(stdout.trim().split('\n').length, 4);
  });
});

for (const [given, message] of [
  [{ offload: 'carry' }, /over a veth pair no super-packets come/],
  [{ persist: true }, /goes with the program that made it/],
  [{ owner: 1000 }, /leave persist, owner and group out/],
] as const) {
  test(`what it has not is refused: ${JSON.stringify(given)}`, options, async () => {
    await assert.rejects(Adapter.create({ link: 'veth', ...given }), {
      code: 'ERR_TUN_UNSUPPORTED',
      message,
    });
  });
}

test('a user without rights is told so, and by what namespace it can be had', options, async () => {
  await withNetns(async (netns) => {
    const code = `import { Adapter } from 'typetun';
      await Adapter.create({ link: 'veth' }).catch((error) => console.log(error.code, error.message));`;
    const said = await runAsUser(netns, code);
    assert.match(said, /^ERR_TUN_NETNS .*takes CAP_SYS_ADMIN: run as root, or in a user namespace/);
  });
});

test('nothing is left when it is closed, and nothing when it could not be', options, async () => {
  await withNetns(async (netns) => {
    const make = (given: AdapterOptions): Promise<Adapter> =>
      Adapter.create({ link: 'veth', netns, ...given });
    await (await make({})).close();
    const before = readdirSync('/proc/self/fd').length;
    for (let i = 0; i < 20; i++) {
      await (await make({ addresses: ['10.7.0.1/24'] })).close();
      await assert.rejects(make({ mtu: 600, routes: ['fd00::/8'] }));
    }
    assert.ok(await until(() => readdirSync('/proc/self/fd').length === before));
    assert.doesNotMatch(await ip('-n', netns, '-o', 'link'), /tun/);
  });
});

test('the device is gone with the process, whose end nobody announced', options, async () => {
  await withNetns(async (netns) => {
    const code = `import { Adapter } from 'typetun';
      await Adapter.create({ link: 'veth', name: 'tt0' });
      console.log('made');
      process.kill(process.pid, 'SIGKILL');`;
    const words = ['netns', 'exec', netns, process.execPath, '--input-type=module', '--eval', code];
    const child = spawn('ip', words, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (part) => (said += part));
    await once(child, 'close');
    assert.equal(said, 'made\n');
    const deadline = performance.now() + 5000;
    while (/tt0/.test(await ip('-n', netns, '-o', 'link'))) {
      assert.ok(performance.now() < deadline, 'it stays');
    }
  });
});

test('what is no IP packet is counted as unreadable', options, async () => {
  await withAdapter({ name: 'tt0' }, async (adapter, netns) => {
    const seen = reflect(adapter);
    // With neighbours to ask for, the kernel asks: by ARP.
    await ip('-n', netns, 'link', 'set', 'tt0', 'arp', 'on');
    await inside(netns, 'ping', '-c', '1', '-W', '1', '10.7.0.9').catch(() => undefined);
    assert.ok(await until(() => adapter.statistics.drops.unreadable > 0));
    assert.deepEqual(
      seen.filter((packet) => packet[0]! >> 4 !== 6),
      [],
      'no packet, but for what IPv6 does with neighbours',
    );
  });
});

test('packets with a VLAN tag are counted as unreadable, too', options, async () => {
  await withAdapter({ name: 'tt0' }, async (adapter, netns) => {
    const seen = reflect(adapter);
    const packet = udpPacket('10.7.0.1', 1, '10.7.0.2', 2, pattern(9));
    sendFrame(netns, 'tt0', [...VLAN_7, ...packet]);
    sendFrame(netns, 'tt0', [...UNTAGGED, ...packet]);
    assert.ok(await until(() => seen.length > 0));
    // Behind it comes, sooner or later, the host's word that nobody listens at that port.
    assert.deepEqual([seen[0], adapter.statistics.drops.unreadable], [packet, 1]);
  });
});

test('a command that raises the MTU is followed, and packets come whole', options, async () => {
  await withAdapter({ name: 'tt0' }, async (adapter, netns) => {
    const seen = reflect(adapter);
    await ip('-n', netns, 'link', 'set', 'tt0', 'mtu', '9000');
    assert.ok(await until(() => adapter.mtu === 9000));
    const { stdout } = await inside(netns, 'ping', '-c', '1', '-M', 'do', '-s', '8972', '10.7.0.2');
    assert.match(stdout, /1 received/);
    assert.equal(seen[0]!.length, 9000);
  });
});

test('a packet longer than the MTU of the device is refused and counted', options, async () => {
  await withAdapter({ mtu: 1400 }, async (adapter) => {
    await using device = adapter.openDevice();
    const packets = [1372, 1400].map((bytes) =>
      udpPacket('10.7.0.2', 1, '10.7.0.1', 2, pattern(bytes)),
    );
    assert.equal(await device.write(bundleOf(packets)), 1);
    assert.equal(adapter.statistics.in.errors, 1);
  });
});

test(
  'the longest queue that can be asked for is as long as the system allows',
  options,
  async () => {
    await withNetns(async (netns) => {
      // In bytes little more than an `unsigned int` holds: it must not come to hardly any.
      const largest = { mtu: 61_424, hostQueueLength: 130_562 };
      const link = await vethLink().open({ ...linkConfig, netns, ...largest });
      const [fd] = link.handOver!().fds;
      const most = Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8'));
      assert.equal(queueLimit(fd!), 2 * most);
      closeSync(fd!);
      await link.close();
    });
  },
);

test('writing finds the device removed as reading does', options, async () => {
  await withNetns(async (netns) => {
    const link = await vethLink().open({ ...linkConfig, name: 'tt0', netns });
    await ip('-n', netns, 'link', 'del', 'tt0');
    const bundle = bundleOf([udpPacket('10.7.0.2', 1, '10.7.0.1', 2, pattern(9))]);
    const index = createBundleIndex();
    indexBundle(bundle, bundle.length, index);
    const result = new GiveResult();
    assert.equal(link.give(bundle, index, result), -1);
    assert.equal(result.refused, 1);
    assert.deepEqual(takePackets(link), []);
    await link.close();
  });
});

test('threads share it, and one that is terminated leaves nothing', options, async () => {
  await withNetns(async (netns) => {
    const adapter = await Adapter.create({ link: 'veth', addresses: ['10.7.0.1/24'], netns });
    const workers = [
      await startWorker(adapter, 'readLoop'),
      await startWorker(adapter, 'readLoop'),
    ];
    const sequences: number[] = [];
    for (const { worker } of workers) {
      worker.on('message', ([sequence, ...packets]: number[]) => {
        for (let i = 0; i < packets.length; i++) sequences.push(sequence! + i);
      });
    }
    const ping = ['-n', '-i0.01', '-c50', '-W1', '10.7.0.2'];
    await inside(netns, 'ping', ...ping).catch(() => undefined);
    assert.ok(await until(() => sequences.length === 50), `${sequences.length}`);
    assert.equal(new Set(sequences).size, 50);
    await Promise.all(workers.map((worker) => worker.terminate()));
    await adapter.close();
    assert.doesNotMatch(await ip('-n', netns, '-o', 'link'), /tun/);
  });
});

test('it can be handed over, and is the same device then', options, async () => {
  await withNetns(async (netns) => {
    const path = `\0typetun-veth-${process.pid}`;
    const given = await Adapter.create({ link: 'veth', addresses: ['10.7.0.1/24'], netns });
    const [, adapter] = await Promise.all([sendAdapter(given, { path }), receiveAdapter({ path })]);
    assert.deepEqual([adapter.name, adapter.addresses], ['tun0', ['10.7.0.1/24']]);
    reflect(adapter);
    const { stdout } = await inside(netns, 'ping', '-c', '1', '10.7.0.2');
    assert.match(stdout, /1 received/);
    await adapter.close();
    const deadline = performance.now() + 5000;
    while (/tun0/.test(await ip('-n', netns, '-o', 'link'))) {
      assert.ok(performance.now() < deadline, 'it stays');
    }
  });
});

/** Packet sockets that are nothing to make an adapter of, each by its maker in a namespace. */
const WRONG: readonly (readonly [
  what: string,
  make: (netns: string) => Promise<number>,
  code: string,
  message: RegExp,
])[] = [
  [
    'bound to nothing',
    async () => libc().socket(AF_PACKET, SOCK_RAW, 0),
    'ERR_TUN_NOT_TUN',
    /is a packet socket, but not on the far end of a veth pair that typetun made/,
  ],
  [
    "on somebody else's interface",
    async (netns) => {
      await ip('-n', netns, 'link', 'add', 'other', 'type', 'veth');
      await ip('-n', netns, 'link', 'set', 'other', 'up');
      return inNetworkNamespace(netns, () =>
        openPacketSocket(libc().ifNameToIndex('other'), 65_536),
      );
    },
    'ERR_TUN_NOT_TUN',
    /is a packet socket, but not on the far end/,
  ],
  [
    'of a device that is gone',
    async (netns) => {
      const link = await vethLink().open({ ...linkConfig, netns });
      const [fd] = link.handOver!().fds;
      await link.close();
      assert.ok(await until(() => packetBinding(fd!)!.index < 0));
      return fd!;
    },
    'ERR_TUN_ADAPTER_REMOVED',
    /the device of packet socket \d+ is gone/,
  ],
];

for (const [what, make, code, message] of WRONG) {
  test(`a packet socket ${what} is refused, and stays the caller's`, options, async () => {
    await withNetns(async (netns) => {
      const fd = await make(netns);
      const before = readdirSync('/proc/self/fd').length;
      await assert.rejects(Adapter.fromFd(fd), { code, message });
      assert.equal(readdirSync('/proc/self/fd').length, before);
      assert.match(readlinkSync(`/proc/self/fd/${fd}`), /^socket:/);
      closeSync(fd);
    });
  });
}
