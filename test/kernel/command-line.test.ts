/** The command line without a host: persistent interfaces of the kernel, made, looked at, used and removed. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { type CommandOptions, type CommandOutcome, runTypetun } from '../support/command.ts';
import { until } from '../support/until.ts';
import { carrierSeen, ip, rootSkip, withNetns } from './support/netns.ts';
import { tunFolder, USER, userCommand } from './support/user.ts';

const options = { skip: rootSkip('ping') };
const run = promisify(execFile);

function inside(
  netns: string,
  args: readonly string[],
  more: CommandOptions = {},
): Promise<CommandOutcome> {
  return runTypetun([...args, '--no-host'], { before: ['ip', 'netns', 'exec', netns], ...more });
}

async function json(netns: string, ...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await inside(netns, [...args, '--json']);
  assert.deepEqual([code, stderr], [0, '']);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const CREATE = [
  ...['adapter', 'create', 'tt0', '--persist', '--owner', String(USER), '--mtu', '1400'],
  ...['--address', '10.7.0.1/24', '--route', '10.8.0.0/16'],
];

test(
  'create --persist makes an interface that stays, and remove takes it away',
  options,
  async () => {
    await withNetns(async (netns) => {
      const made = await json(netns, ...CREATE);
      assert.equal(made['via'], 'process');
      const { name, mtu, addresses, persist, owner, up, device } = made['adapter'] as Record<
        string,
        unknown
      >;
      assert.deepEqual(
        [name, mtu, addresses, persist, owner, up],
        ['tt0', 1400, ['10.7.0.1/24'], true, USER, true],
      );
      assert.match(await ip('-n', netns, '-d', 'link', 'show', 'tt0'), /mtu 1400[\s\S]*persist on/);
      assert.match(await ip('-n', netns, 'route'), /10\.8\.0\.0\/16 dev tt0/);

      const list = await inside(netns, ['adapter', 'list']);
      assert.match(list.stdout, /^tt0 +WINTUN\d+ +yes +yes +user 65534 +1400 +10\.7\.0\.1\/24$/m);
      const shown = await json(netns, 'adapter', 'show', String(device));
      assert.deepEqual(shown['adapter'], made['adapter']);

      const removed = await inside(netns, ['adapter', 'remove', 'tt0']);
      assert.deepEqual([removed.code, removed.stdout], [0, 'tt0 is removed\n']);
      assert.equal(await ip('-n', netns, '-o', 'link', 'show', 'type', 'tun'), '');
    });
  },
);

test('a name that is taken is status 1 with the code', options, async () => {
  await withNetns(async (netns) => {
    await json(netns, ...CREATE);
    const { code, stdout } = await inside(netns, [...CREATE, '--json']);
    assert.equal(code, 1);
    const { error } = JSON.parse(stdout) as { error: { code: string } };
    assert.equal(error.code, 'ERR_TUN_NAME_TAKEN');
  });
});

test('set changes what is given and leaves the rest', options, async () => {
  await withNetns(async (netns) => {
    await json(netns, ...CREATE);
    const { adapter } = await json(netns, 'adapter', 'set', 'tt0', '--address', '10.9.0.1/24');
    const { addresses, mtu } = adapter as { addresses: string[]; mtu: number };
    assert.deepEqual([addresses, mtu], [['10.9.0.1/24'], 1400]);
    const text = await ip('-n', netns, 'addr', 'show', 'dev', 'tt0');
    assert.match(text, /inet 10\.9\.0\.1\/24/);
    assert.doesNotMatch(text, /10\.7\.0\.1/);
  });
});

test('its owner reads packets of it, which the kernel counts', options, async () => {
  await withNetns(async (netns) => {
    await json(netns, ...CREATE);
    using made = tunFolder();
    const before = userCommand(netns, made.folder);
    const command = inside(netns, ['device', 'read', 'tt0', '--format', 'lines', '--count', '3'], {
      before,
      env: { HOME: made.folder },
    });
    await carrierSeen(netns, 'tt0');
    // More than are read: what comes before the device is open is dropped.
    const ping = ['ping', '-c', '20', '-i', '0.1', '-W', '1', '10.7.0.2'];
    await run('ip', ['netns', 'exec', netns, ...ping]).catch(() => undefined);
    const { code, stdout, stderr } = await command;
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^(?:[\d:.]+ out 10\.7\.0\.1 > 10\.7\.0\.2: icmp echo request, 84 bytes\n){3}$/,
    );
    assert.match(stderr, /in this process \(--no-host\)\ntypetun: tt0: read 3 packets/);

    const { adapters } = await json(netns, 'stats', 'tt0');
    const [sample] = adapters as { interface: { out: { packets: number; octets: number } } }[];
    assert.ok(sample!.interface.out.packets >= 3);
    assert.ok(sample!.interface.out.octets >= 3 * 84);
  });
});

test(
  'properties opens the interface for it, and another program is told apart',
  options,
  async () => {
    await withNetns(async (netns) => {
      await json(netns, ...CREATE);
      const { properties } = await json(netns, 'properties', 'tt0');
      assert.equal((properties as { link: string }).link, 'linux');
      let busy: Promise<CommandOutcome> | undefined;
      const { code } = await inside(netns, ['device', 'open', 'tt0', '--count', '1'], {
        onStart: (child) => {
          busy = carrierSeen(netns, 'tt0').then(async () => {
            const outcome = await inside(netns, ['properties', 'tt0']);
            child.kill('SIGTERM');
            return outcome;
          });
        },
      });
      assert.equal(code, 143);
      assert.match((await busy!).stderr, /another program is attached.*\[ERR_TUN_BUSY\]/);
    });
  },
);

test(
  'remove leaves an interface that goes with its program, and a user has no right to it',
  options,
  async () => {
    await withNetns(async (netns) => {
      await json(netns, ...CREATE);
      using made = tunFolder();
      const before = userCommand(netns, made.folder);
      const refused = await inside(netns, ['adapter', 'remove', 'tt0'], { before });
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /takes CAP_NET_ADMIN.*run it as root \[ERR_TUN_NO_PRIVILEGE\]/);
      await ip('-n', netns, 'tuntap', 'add', 'tt1', 'mode', 'tap');
      const other = await inside(netns, ['adapter', 'remove', 'tt1']);
      assert.match(other.stderr, /no TUN interface of this machine is called tt1; there are tt0/);
    });
  },
);

/** A namespace with `typetun serve` in it, and what runs shell commands there, in a folder of their own. */
async function withServe(
  use: (
    shell: (commands: string) => Promise<string>,
    netns: string,
    folder: string,
  ) => Promise<void>,
): Promise<void> {
  await withNetns(async (netns) => {
    const folder = mkdtempSync(join(tmpdir(), 'typetun-examples-'));
    // Where systemd says it: the host and the commands find it without being told.
    const runDirectory = join(folder, 'run');
    symlinkSync(resolve('dist/cli/main.js'), join(folder, 'typetun'));
    const path = [folder, process.env['PATH']].join(delimiter);
    const { TYPETUN_HOST: _, ...rest } = process.env;
    const env = { ...rest, PATH: path, RUNTIME_DIRECTORY: runDirectory };
    const host = spawn('ip', ['netns', 'exec', netns, 'typetun', 'serve'], {
      env,
      stdio: 'ignore',
    });
    const shell = async (commands: string): Promise<string> => {
      const words = ['netns', 'exec', netns, 'sh', '-ec', commands];
      return (await run('ip', words, { env, cwd: folder, timeout: 60_000 })).stdout;
    };
    try {
      await until(() => existsSync(join(runDirectory, 'control')));
      await use(shell, netns, folder);
    } finally {
      host.kill('SIGTERM');
      await once(host, 'exit');
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

test(
  'the examples of the manual do what they say, on a host that typetun serve is',
  options,
  async () => {
    await withServe(async (shell, netns, folder) => {
      const blocks = [...readFileSync('docs/cli.md', 'utf8').matchAll(/^```sh\n(.*?)^```/gms)];
      assert.ok(blocks.length >= 2);
      for (const [, commands] of blocks) assert.match(await shell(commands!), /is removed\n$/);
      const capture = readFileSync(join(folder, 'demo.pcapng'));
      assert.equal(capture.readUInt32BE(0), 0x0a0d0d0a);
      assert.equal(await ip('-n', netns, '-o', 'link', 'show', 'type', 'tun'), '');
    });
  },
);

test(
  'the commands of the README do what they say, with a ping from elsewhere',
  options,
  async () => {
    const lines = readFileSync('README.md', 'utf8').split('\n');
    const commands = lines
      .filter((line) => /^npx typetun (?:adapter|device|stats) /.test(line))
      .map((line) => line.replace(/^npx /, ''));
    assert.ok(commands.length >= 5);
    await withServe(async (shell, netns) => {
      let ping: Promise<unknown> = Promise.resolve();
      for (const command of commands) {
        const reads = command.startsWith('typetun device read');
        if (reads) ping = shell('ping -c 20 -i 0.2 -W 1 10.7.0.2').catch(() => undefined);
        const stdout = await shell(command);
        await ping;
        assert.notEqual(stdout, '', command);
        if (reads)
          assert.match(stdout, / out 10\.7\.0\.1 > 10\.7\.0\.2: icmp echo request, 84 bytes$/m);
      }
      assert.equal(await ip('-n', netns, '-o', 'link', 'show', 'type', 'tun'), '');
    });
  },
);
