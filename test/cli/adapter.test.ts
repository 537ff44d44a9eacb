/** `typetun adapter` on a host, by what it asks of it, prints and ends with. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type CommandOutcome, runTypetun } from '../support/command.ts';
import { StandInHost } from '../support/stand-in-host.ts';

/** Nobody's run directory. */
const NOWHERE = '/nonexistent/typetun';

describe('typetun adapter on a host', () => {
  let host: StandInHost;

  before(async () => {
    host = await StandInHost.start();
    host.add({
      name: 'demo',
      addresses: ['10.7.0.1/24', 'fd07::1/64'],
      routes: ['10.8.0.0/16', { destination: '10.9.0.0/16', metric: 5 }],
      clients: [
        {
          ...{ id: 3, pid: 42, uid: 0, name: 'python3', role: 'packets', waitingReads: 1 },
          ...{ bundlesRead: 2, packetsRead: 3, bundlesWritten: 1, packetsWritten: 1 },
        },
      ],
    });
  });
  beforeEach(() => host.calls.splice(0));
  after(() => host[Symbol.asyncDispose]());

  function typetun(...args: string[]): Promise<CommandOutcome> {
    return runTypetun(args, { env: { TYPETUN_HOST: host.runDirectory } });
  }

  async function json(...args: string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await typetun(...args, '--json');
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(stdout.trimEnd().split('\n').length, 1, stdout);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  test('list prints one line for each adapter, and on standard error where it looked', async () => {
    const { code, stdout, stderr } = await typetun('adapter', 'list');
    assert.equal(code, 0);
    assert.equal(stderr, `typetun: on the host at ${host.runDirectory}\n`);
    const [heading, line, ...rest] = stdout.trimEnd().split('\n');
    assert.match(heading!, /^NAME +DEVICE +STATE +POWER +MEDIA +MTU +CLIENTS +ADDRESSES$/);
    assert.match(
      line!,
      /^demo +WINTUN7 +Running +D0 +Disconnected +1500 +1 +10\.7\.0\.1\/24 fd07::1\/64$/,
    );
    assert.deepEqual(rest, []);
  });

  test('list --json is one object that says the same, and that a host said it', async () => {
    const said = await json('adapter', 'list');
    assert.deepEqual(Object.keys(said), ['ok', 'via', 'host', 'adapters']);
    assert.deepEqual([said['ok'], said['via'], said['host']], [true, 'host', host.runDirectory]);
    assert.equal((said['adapters'] as { name: string }[])[0]!.name, 'demo');
  });

  test('show says all there is, clients included', async () => {
    const { code, stdout } = await typetun('adapter', 'show', 'demo');
    assert.equal(code, 0);
    assert.match(stdout, /^adapter demo\n/);
    assert.match(stdout, /device +\\\\\.\\Device\\WINTUN7\n/);
    assert.match(stdout, /routes +10\.8\.0\.0\/16, 10\.9\.0\.0\/16 metric 5\n/);
    assert.match(
      stdout,
      /#3 python3 pid 42 user 0: read 3 packets in 2 bundles, wrote 1 in 1, 1 read waiting/,
    );
  });

  test('takes devices by every form of their name', async () => {
    for (const name of ['\\\\.\\Device\\WINTUN7', 'WINTUN7']) {
      const { adapter } = await json('adapter', 'show', name);
      assert.equal((adapter as { name: string }).name, 'demo');
    }
    assert.deepEqual(
      host.calls.map(({ params }) => params['adapter']),
      ['\\\\.\\Device\\WINTUN7', 'WINTUN7'],
    );
  });

  test('create passes on what was given, and nothing else', async () => {
    const said = await json(
      ...['adapter', 'create', 'new0', '--address', '10.1.0.1/24', '--address', 'fd01::1/64'],
      ...['--mtu', '1400', '--route', '10.2.0.0/16@7', '--persist', '--offload', 'off'],
      ...['--allow-user', '1000', '--allow-user', 'alice', '--allow-descriptor', '--no-prefetch'],
    );
    assert.equal((said['adapter'] as { name: string }).name, 'new0');
    assert.deepEqual(host.calls, [
      {
        method: 'adapter.create',
        params: {
          ...{ name: 'new0', addresses: ['10.1.0.1/24', 'fd01::1/64'], mtu: 1400 },
          ...{ routes: [{ destination: '10.2.0.0/16', metric: 7 }], persist: true },
          ...{ offload: 'off', prefetch: false },
          access: { users: [1000, 'alice'], descriptor: true },
        },
      },
    ]);
    await json('adapter', 'create', 'new1');
    assert.deepEqual(host.calls.at(-1)!.params, { name: 'new1' });
    await json('adapter', 'remove', 'new0');
    await json('adapter', 'remove', 'new1');
  });

  test('set changes what is given, and can take all addresses away', async () => {
    await json('adapter', 'set', 'demo', '--mtu', '1300');
    await json('adapter', 'set', 'demo', '--no-address', '--route', '10.3.0.0/16');
    assert.deepEqual(
      host.calls.map(({ params }) => params),
      [
        { adapter: 'demo', mtu: 1300 },
        { adapter: 'demo', addresses: [], routes: ['10.3.0.0/16'] },
      ],
    );
  });

  test('pause, power and restart say what it came to', async () => {
    const paused = await typetun('adapter', 'pause', 'demo');
    assert.equal(paused.stdout, 'demo: Paused, power D0, media Disconnected\n');
    assert.match(
      (await typetun('adapter', 'power', 'demo', 'D3')).stdout,
      /^demo: Paused, power D3/,
    );
    assert.match((await typetun('adapter', 'restart', 'demo')).stdout, /^demo: Running, power D3/);
    assert.equal((await typetun('adapter', 'power', 'demo', 'D0')).code, 0);
  });

  test('an adapter that is not there is status 1, with the code and which there are', async () => {
    const { code, stdout, stderr } = await typetun('adapter', 'show', 'dmeo', '--json');
    assert.equal(code, 1);
    const { ok, via, error } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([ok, via], [false, 'host']);
    assert.equal((error as { code: string }).code, 'ERR_TUN_NOT_FOUND');
    assert.match(stderr, /^typetun: no adapter of this host is called dmeo; there is only demo/);
  });

  test('a value the host refuses is a wrong call: status 2, and no object', async () => {
    const { code, stdout, stderr } = await typetun(
      'adapter',
      'create',
      'a',
      '--mtu',
      '5',
      '--json',
    );
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^typetun: mtu is 5\n$/);
  });

  test('--host takes the run directory or the socket itself, and comes before the variable', async () => {
    const env = { TYPETUN_HOST: NOWHERE };
    for (const where of [host.runDirectory, join(host.runDirectory, 'control')]) {
      const { code, stdout } = await runTypetun(['adapter', 'list', '--host', where], { env });
      assert.equal(code, 0);
      assert.match(stdout, /^demo /m);
    }
  });

  test('--no-host works in this process although a host runs', async () => {
    const { code, stderr } = await typetun('adapter', 'list', '--no-host');
    assert.equal(code, 0);
    assert.equal(stderr, 'typetun: in this process (--no-host)\n');
    assert.deepEqual(host.calls, []);
  });

  test('a host that was named and is not there is an error with the remedy', async () => {
    for (const [args, env, said] of [
      [['--host', NOWHERE], {}, '--host'],
      [[], { TYPETUN_HOST: NOWHERE }, 'TYPETUN_HOST'],
    ] as const) {
      const { code, stderr } = await runTypetun(['adapter', 'list', ...args], { env });
      assert.equal(code, 1);
      assert.match(
        stderr,
        new RegExp(`no host answers at ${NOWHERE}, where ${said} says; start one`),
      );
    }
  });
});

describe('typetun adapter without a host', () => {
  const WRONG: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['pause', 'a'], 1, /kept by the program that has it.*start one \("typetun serve"\)/],
    [['power', 'a', 'D3'], 1, /start one \("typetun serve"\)/],
    [['create', 'a'], 1, /would go with it.*make an interface that stays \(--persist\)/],
    [['show', 'nope0'], 1, /no TUN interface of this machine is called nope0/],
    [['remove', 'nope0'], 1, /no TUN interface of this machine is called nope0/],
    [['set', 'a'], 2, /nothing is to be changed; give --address/],
    [['create', 'a', '--route', '10.0.0.0/8@x'], 2, /--route is "10\.0\.0\.0\/8@x"/],
    [['create', 'a', '--persist', '--allow-user', 'b'], 2, /say --owner or --group/],
    [['create', 'a', '--persist', '--mtu', '5'], 2, /mtu is 5/],
    [['power', 'a', 'D7'], 2, /Allowed choices are D0, D1, D2, D3/],
    [['create', 'a', '--offload', 'maybe'], 2, /Allowed choices are split, carry, off/],
    [['lsit'], 2, /unknown command 'lsit'[\s\S]*list/],
    [['create', 'a', '--adress', 'x'], 2, /unknown option '--adress'[\s\S]*--address/],
    [[], 2, /Usage: typetun adapter/],
  ];

  for (const [args, status, message] of WRONG) {
    test(`"typetun adapter ${args.join(' ')}" is refused with status ${status}`, async () => {
      const host = args.length > 1 ? ['--no-host'] : [];
      const { code, stdout, stderr } = await runTypetun(['adapter', ...args, ...host]);
      assert.equal(code, status, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace');
    });
  }

  test('list --json says that this process looked', async () => {
    const { code, stdout } = await runTypetun(['adapter', 'list', '--no-host', '--json']);
    assert.equal(code, 0);
    const said = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([said['via'], Array.isArray(said['adapters'])], ['process', true]);
  });
});
