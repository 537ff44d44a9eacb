/** Adapters on descriptors of TUN devices that somebody else opened, with whatever flags. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readlinkSync,
} from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Adapter, type DescriptorOptions, swapAddresses } from 'typetun';
import {
  setHeaderBytes,
  setInterface,
  setPersistent,
  TunFlag,
} from '#dist/link/linux/tun-requests.js';
import { F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, FD_CLOEXEC, libc } from '#dist/os/libc.js';
import { inNetworkNamespace } from '#dist/os/namespaces.js';
import { sleep, until } from '../support/link-use.ts';
import { carrierSeen, ip, rootSkip, withNetns } from './support/netns.ts';
import { runAsUser } from './support/user.ts';

const options = { skip: rootSkip('ping') };
const run = promisify(execFile);
const PLAIN: number = TunFlag.TUN | TunFlag.NO_PI;

/** A descriptor of a device made with these flags in the namespace, blocking and kept on exec. */
function openTun(netns: string, name: string, flags: number): number {
  return inNetworkNamespace(netns, () => {
    const fd = openSync('/dev/net/tun', constants.O_RDWR);
    assert.equal(setInterface(fd, name, flags), name);
    return fd;
  });
}

/** What this process has open, for a message. */
function openFiles(): string {
  return readdirSync('/proc/self/fd')
    .filter((fd) => existsSync(`/proc/self/fd/${fd}`))
    .map((fd) => readlinkSync(`/proc/self/fd/${fd}`))
    .join(' ');
}

async function setUp(netns: string, name: string): Promise<void> {
  await ip('-n', netns, 'link', 'set', name, 'addrgenmode', 'none');
  await ip('-n', netns, 'addr', 'add', '10.7.0.1/24', 'dev', name);
  await ip('-n', netns, 'link', 'set', name, 'up', 'mtu', '1400');
}

/** Pings 10.7.0.2 through the adapter, which sends everything back. */
async function pings(netns: string, adapter: Adapter): Promise<string> {
  const device = adapter.openDevice();
  const reflecting = (async () => {
    for await (const bundle of device) {
      for (const packet of bundle) swapAddresses(packet, 0);
      await device.write(bundle);
    }
  })();
  const command = [
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
    '10.7.0.2',
  ];
  await carrierSeen(netns, 'tt0');
  const { stdout } = await run('ip', command);
  await device.close();
  await reflecting.catch(() => {});
  return stdout;
}

for (const [flags, offload] of [
  [PLAIN, 'off'],
  [PLAIN | TunFlag.VNET_HDR, 'split'],
  [PLAIN | TunFlag.VNET_HDR | TunFlag.MULTI_QUEUE, 'split'],
  [PLAIN | TunFlag.MULTI_QUEUE, 'off'],
] as const) {
  test(
    `packets pass through a descriptor opened with flags 0x${flags.toString(16)}`,
    options,
    async () => {
      await withNetns(async (netns) => {
        const fd = openTun(netns, 'tt0', flags);
        await setUp(netns, 'tt0');
        await using adapter = await Adapter.fromFd(fd);
        assert.deepEqual(
          [adapter.name, adapter.mtu, adapter.addresses],
          ['tt0', 1400, ['10.7.0.1/24']],
        );
        assert.equal(adapter.properties.offload, offload);
        assert.match(await pings(netns, adapter), /3 received/);
      });
    },
  );
}

test(
  'the descriptor is used up, and what the adapter has of the device goes with it',
  options,
  async () => {
    await withNetns(async (netns) => {
      const before = readdirSync('/proc/self/fd').length;
      const fd = openTun(netns, 'tt0', PLAIN);
      const adapter = await Adapter.fromFd(fd, {
        addresses: ['10.7.0.1/24'],
        mtu: 1300,
        ipv6LinkLocal: false,
      });
      assert.deepEqual([adapter.mtu, adapter.addresses], [1300, ['10.7.0.1/24']]);
      assert.throws(() => fstatSync(fd), { code: 'EBADF' });
      await adapter.close();
      assert.equal(readdirSync('/proc/self/fd').length, before);
      assert.equal(await ip('-n', netns, '-o', 'link', 'show', 'type', 'tun'), '');
    });
  },
);

test('other descriptors of the same device are made not to block', options, async () => {
  await withNetns(async (netns) => {
    const fd = openTun(netns, 'tt0', PLAIN);
    // As another process has it: what is shared is how it is open, and not the number.
    const other = libc().fcntl(fd, F_DUPFD_CLOEXEC, 0);
    await using adapter = await Adapter.fromFd(fd);
    assert.equal(libc().fcntl(other, F_GETFL, 0) & constants.O_NONBLOCK, constants.O_NONBLOCK);
    closeSync(other);
    const { link } = adapter.share().token;
    assert.ok(link.kind === 'linux');
    assert.equal(libc().fcntl(link.fds[0]!, F_GETFD, 0), FD_CLOEXEC);
  });
});

/** What a thread with few descriptors prints of its attempts to attach, each with room for one more. */
const ATTEMPTS = (where: 'main' | 'worker'): string => `
  import { closeSync, openSync, readlinkSync } from 'node:fs';
  import { Worker, isMainThread } from 'node:worker_threads';
  import { Adapter } from 'typetun';
  const attempts = async (say, openSync, closeSync, readlinkSync) => {
    // The first one makes what all links of the thread use.
    await Adapter.fromFd(0).catch(() => {});
    const path = readlinkSync('/proc/self/fd/3');
    for (let room = 0; room < 30; room++) {
      const taken = [];
      try { for (;;) taken.push(openSync('/dev/null')); } catch {}
      for (const fd of taken.splice(0, room)) closeSync(fd);
      const attempt = await Adapter.fromFd(3).then((adapter) => adapter, (error) => error);
      for (const fd of taken) closeSync(fd);
      if (attempt instanceof Adapter) {
        say('attached ' + attempt.state);
        await attempt.close();
        break;
      }
      let still = '';
      try { still = readlinkSync('/proc/self/fd/3'); } catch {}
      say(attempt.name + ' ' + (still === path ? 'open' : 'closed') + ' ' + attempt.message);
    }
  };
  if (${where === 'main'}) await attempts(console.log, openSync, closeSync, readlinkSync);
  else {
    const worker = new Worker(
      "const { parentPort } = require('node:worker_threads'); const fs = require('node:fs');" +
        "import('typetun').then(({ Adapter }) => { globalThis.Adapter = Adapter; return (" + attempts +
        ")((line) => parentPort.postMessage(line), fs.openSync, fs.closeSync, fs.readlinkSync); })",
      { eval: true, execArgv: [] },
    );
    worker.on('message', console.log).on('error', console.log);
  }
`;

for (const where of ['main', 'worker'] as const) {
  test(
    `a descriptor stays open and the caller's while there is no room for others, in a ${where} thread`,
    options,
    async () => {
      await withNetns(async (netns) => {
        const fd = openTun(netns, 'tt0', PLAIN);
        await setUp(netns, 'tt0');
        const command = ['netns', 'exec', netns, 'sh', '-c', 'ulimit -n 64 && exec "$0" "$@"'];
        const node = [process.execPath, '--input-type=module', '--eval', ATTEMPTS(where)];
        const child = spawn('ip', [...command, ...node], {
          stdio: ['ignore', 'pipe', 'inherit', fd],
          timeout: 60_000,
        });
        let printed = '';
        child.stdout!.on('data', (text) => (printed += text));
        await once(child, 'close');
        closeSync(fd);
        const lines = printed.trimEnd().split('\n');
        assert.equal(lines.pop(), 'attached Running', printed);
        assert.ok(lines.length > 0);
        for (const line of lines) {
          assert.match(line, /^TunError open .*(EMFILE|limit)/);
        }
      });
    },
  );
}

test(
  'what others do to the device is told, and a persistent one outlives the adapter',
  options,
  async () => {
    await withNetns(async (netns) => {
      const fd = openTun(netns, 'tt0', PLAIN);
      setPersistent(fd, true);
      const adapter = await Adapter.fromFd(fd);
      // Attached threads hold descriptors, too, which the device is not to go with.
      adapter.share();
      await ip('-n', netns, 'link', 'set', 'tt0', 'mtu', '1234');
      assert.ok(await until(() => adapter.mtu === 1234));
      await adapter.close();
      assert.match(await ip('-n', netns, '-o', 'link', 'show', 'tt0'), /mtu 1234/);
      await ip('-n', netns, 'link', 'del', 'tt0');
    });
  },
);

const REFUSED: readonly (readonly [
  what: string,
  flags: number,
  options: DescriptorOptions,
  expected: { code: string; message: RegExp },
])[] = [
  [
    'a TAP',
    TunFlag.TAP | TunFlag.NO_PI,
    {},
    { code: 'ERR_TUN_NOT_TUN', message: /TAP device.*IFF_TUN/ },
  ],
  ['protocol information', TunFlag.TUN, {}, { code: 'ERR_TUN_UNSUPPORTED', message: /IFF_NO_PI/ }],
  [
    'carry without headers',
    PLAIN,
    { offload: 'carry' },
    { code: 'ERR_TUN_UNSUPPORTED', message: /IFF_VNET_HDR/ },
  ],
];

for (const [what, flags, given, expected] of REFUSED) {
  test(`${what} is refused, and the descriptor stays the caller's`, options, async () => {
    await withNetns(async (netns) => {
      const fd = openTun(netns, 'tt0', flags);
      const before = readdirSync('/proc/self/fd').length;
      await assert.rejects(Adapter.fromFd(fd, given), expected);
      assert.equal(readdirSync('/proc/self/fd').length, before);
      closeSync(fd);
    });
  });
}

test('a descriptor of no device, or of something else, is refused', options, async () => {
  const fd = openSync('/dev/net/tun', constants.O_RDWR);
  await assert.rejects(Adapter.fromFd(fd), { code: 'ERR_TUN_NOT_TUN', message: /of no device/ });
  closeSync(fd);
  await assert.rejects(Adapter.fromFd(fd), { code: 'ERR_TUN_NOT_TUN', message: /not open/ });
  const other = openSync('/dev/null', constants.O_RDWR);
  await assert.rejects(Adapter.fromFd(other), {
    code: 'ERR_TUN_NOT_TUN',
    message: /no TUN device/,
  });
  closeSync(other);
});

/** A normal user's program: sends back what comes through descriptor 3. */
const REFLECT = (given: string): string => `
  import { Adapter, swapAddresses } from 'typetun';
  const adapter = await Adapter.fromFd(3, ${given});
  const device = adapter.openDevice();
  const { name, mtu, addresses, luidIndex } = adapter;
  console.log(JSON.stringify({ name, mtu, addresses, inside: luidIndex < 2 ** 31 }));
  let packets = 0;
  for await (const bundle of device) {
    for (const packet of bundle) {
      swapAddresses(packet, 0);
      // Multicast reports are the kernel's own, and whenever it likes: their destination is now the source.
      if (packet[0] >> 4 === 4 || packet[8] !== 0xff) packets++;
    }
    await device.write(bundle);
    // The system's reply to each request passes, too.
    if (packets >= 6) break;
  }
  await adapter.close();
`;

test(
  'a normal user uses a descriptor of a device in a namespace out of reach',
  options,
  async () => {
    await withNetns(async (netns) => {
      await withNetns(async (elsewhere) => {
        // Another device of the same name, where the user is: it is not taken for this one.
        await ip('-n', elsewhere, 'tuntap', 'add', 'tt0', 'mode', 'tun');
        const fd = openTun(netns, 'tt0', PLAIN | TunFlag.VNET_HDR);
        // Like the other in all that its descriptor tells.
        setPersistent(fd, true);
        await setUp(netns, 'tt0');
        let pinged: Promise<{ stdout: string }> | undefined;
        const command = ['netns', 'exec', netns, 'ping', '-c', '3', '-i', '0.1', '10.7.0.2'];
        const printed = await runAsUser(
          elsewhere,
          REFLECT(`{ mtu: 1400, addresses: ['10.7.0.1/24'] }`),
          {
            fds: [fd],
            onOutput: () => {
              pinged ??= carrierSeen(netns, 'tt0').then(() => run('ip', command));
            },
          },
        );
        closeSync(fd);
        const said = { name: 'tt0', mtu: 1400, addresses: ['10.7.0.1/24'], inside: false };
        assert.deepEqual(JSON.parse(printed), said);
        assert.match((await pinged!).stdout, /3 received/);
      });
    });
  },
);

test('a normal user sees what the device is in its own namespace', options, async () => {
  await withNetns(async (netns) => {
    const fd = openTun(netns, 'tt0', PLAIN);
    await setUp(netns, 'tt0');
    let pinged: Promise<{ stdout: string }> | undefined;
    const command = ['netns', 'exec', netns, 'ping', '-c', '3', '-i', '0.1', '10.7.0.2'];
    const printed = await runAsUser(netns, REFLECT('{ mtu: 1400 }'), {
      fds: [fd],
      onOutput: () => {
        pinged ??= carrierSeen(netns, 'tt0').then(() => run('ip', command));
      },
    });
    closeSync(fd);
    const seen = { name: 'tt0', mtu: 1400, addresses: ['10.7.0.1/24'], inside: true };
    assert.deepEqual(JSON.parse(printed), seen);
    assert.match((await pinged!).stdout, /3 received/);
  });
});

test('a normal user is told what may not be set', options, async () => {
  await withNetns(async (netns) => {
    await withNetns(async (elsewhere) => {
      const fd = openTun(netns, 'tt0', PLAIN);
      await setUp(netns, 'tt0');
      const attempt = (given: string): string => `
        await Adapter.fromFd(3, ${given}).then(
          () => console.log('taken'), (error) => console.log(error.code, error.message));`;
      const code = `import { Adapter } from 'typetun';
        ${attempt('{ mtu: 1401 }')} ${attempt("{ addresses: ['10.9.0.1/24'] }")}`;
      const inside = await runAsUser(netns, code, { fds: [fd] });
      assert.match(
        inside,
        /^ERR_TUN_NO_PRIVILEGE the MTU 1401 .*\nERR_TUN_NO_PRIVILEGE the address 10.9.0.1\/24 .*\n$/,
      );
      const outside = `import { Adapter } from 'typetun'; ${attempt("{ routes: ['10.8.0.0/16'] }")}`;
      assert.match(
        await runAsUser(elsewhere, outside, { fds: [fd] }),
        /^ERR_TUN_NO_PRIVILEGE "tt0" is in a network namespace .* routes/,
      );
      closeSync(fd);
    });
  });
});

test(
  'protocol information is refused also where the device cannot be looked at',
  options,
  async () => {
    await withNetns(async (netns) => {
      await withNetns(async (elsewhere) => {
        const code = `import { Adapter } from 'typetun';
        await Adapter.fromFd(3).catch((error) => console.log(error.code));`;
        for (const [flags, headerBytes] of [
          [0, 0],
          [TunFlag.VNET_HDR, 10],
          [TunFlag.VNET_HDR, 12],
          [TunFlag.VNET_HDR, 20],
          [TunFlag.VNET_HDR, 0x100000],
        ] as const) {
          for (const up of [false, true]) {
            const fd = openTun(netns, 'tt0', TunFlag.TUN | flags);
            if (headerBytes > 0) assert.ok(setHeaderBytes(fd, headerBytes));
            if (up) await setUp(netns, 'tt0');
            const printed = await runAsUser(elsewhere, code, { fds: [fd] });
            assert.equal(printed, 'ERR_TUN_UNSUPPORTED\n');
            closeSync(fd);
          }
        }
      });
    });
  },
);

test('headers of other sizes are no protocol information', options, async () => {
  await withNetns(async (netns) => {
    await withNetns(async (elsewhere) => {
      const code = `import { Adapter } from 'typetun';
        const adapter = await Adapter.fromFd(3);
        console.log(adapter.state);
        await adapter.close();`;
      for (const headerBytes of [10, 12, 20]) {
        const fd = openTun(netns, 'tt0', PLAIN | TunFlag.VNET_HDR);
        assert.ok(setHeaderBytes(fd, headerBytes));
        assert.equal(await runAsUser(elsewhere, code, { fds: [fd] }), 'Running\n');
        closeSync(fd);
      }
    });
  });
});

test(
  'a descriptor that a worker thread took ends with the thread, however that ends',
  options,
  async () => {
    await withNetns(async (netns) => {
      let before = 0;
      for (let round = 0; round < 3; round++) {
        const fd = openTun(netns, 'tt0', PLAIN);
        const code = `
        const { parentPort, workerData } = require('node:worker_threads');
        import('typetun').then(async ({ Adapter }) => {
          globalThis.adapter = await Adapter.fromFd(workerData);
          globalThis.device = adapter.openDevice();
          parentPort.postMessage(adapter.name);
        });`;
        const worker = new Worker(code, { eval: true, workerData: fd });
        const [name] = (await once(worker, 'message')) as [string];
        assert.equal(name, 'tt0');
        await worker.terminate();
        const gone = async (): Promise<boolean> =>
          (await ip('-n', netns, '-o', 'link', 'show', 'type', 'tun')) === '';
        for (let tries = 0; tries < 100 && !(await gone()); tries++) await sleep(10);
        assert.ok(await gone());
        // What the first thread made is kept: the poller's, and such.
        if (round === 0) before = readdirSync('/proc/self/fd').length;
      }
      assert.ok(await until(() => readdirSync('/proc/self/fd').length === before), openFiles());
    });
  },
);
