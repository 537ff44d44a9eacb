/** `typetun adapter`, on a host of this process and without one: what it does, prints and ends with. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { HostDevice } from 'typetun/service';
import { runTypetun } from '../support/command.ts';
import { type RealHost, startHost } from '../support/real-host.ts';

/** Nobody's run directory. */
const NOWHERE = '/nonexistent/typetun';

interface Info {
  readonly name: string;
  readonly mtu: number;
  readonly addresses: readonly string[];
  readonly routes: readonly unknown[];
  readonly persist: boolean;
  readonly access: object;
}

describe('typetun adapter on a host', () => {
  let host: RealHost;
  let device = '';

  before(async () => {
    host = await startHost();
    await host.create({
      name: 'demo',
      addresses: ['10.7.0.1/24', 'fd07::1/64'],
      routes: ['10.8.0.0/16', { destination: '10.9.0.0/16', metric: 5 }],
    });
    const [demo] = await host.host.call('adapter.list');
    device = demo!.device;
  });
  after(() => host[Symbol.asyncDispose]());

  async function shown(...args: string[]): Promise<Info> {
    return (await host.json('adapter', ...args))['adapter'] as Info;
  }

  test('list prints one line for each adapter, and on standard error where it looked', async () => {
    const { code, stdout, stderr } = await host.typetun(['adapter', 'list']);
    assert.equal(code, 0);
    assert.equal(stderr, `typetun: on the host at ${host.runDirectory}\n`);
    const [heading, line, ...rest] = stdout.trimEnd().split('\n');
    assert.match(heading!, /^NAME +DEVICE +STATE +POWER +MEDIA +MTU +CLIENTS +ADDRESSES$/);
    assert.match(
      line!,
      /^demo +WINTUN\d+ +Running +D0 +Disconnected +1500 +0 +10\.7\.0\.1\/24 fd07::1\/64$/,
    );
    assert.deepEqual(rest, []);
  });

  test('list --json is one object that says the same, and that a host said it', async () => {
    const said = await host.json('adapter', 'list');
    assert.deepEqual(Object.keys(said), ['ok', 'via', 'host', 'adapters']);
    assert.deepEqual([said['ok'], said['via'], said['host']], [true, 'host', host.runDirectory]);
    assert.deepEqual(said['adapters'], await host.host.call('adapter.list'));
  });

  test('show says all there is, clients included', async () => {
    const { runDirectory } = host;
    await using client = await HostDevice.open('demo', { runDirectory, client: 'a-program' });
    const waiting = client.read();
    waiting.catch(() => undefined);
    const { code, stdout } = await host.typetun(['adapter', 'show', 'demo']);
    assert.equal(code, 0);
    assert.match(stdout, /^adapter demo\n/);
    assert.ok(stdout.includes(device), stdout);
    assert.match(stdout, /state +Running, power D0, media Connected\n/);
    assert.match(stdout, /routes +10\.8\.0\.0\/16, 10\.9\.0\.0\/16 metric 5\n/);
    assert.match(
      stdout,
      /#\d+ a-program .*: read 0 packets in 0 bundles, wrote 0 in 0, 1 read waiting/,
    );
  });

  test('takes devices by every form of their name', async () => {
    const last = device.slice(device.lastIndexOf('\\') + 1);
    for (const name of ['demo', device, last, last.toLowerCase(), last.slice('WINTUN'.length)]) {
      assert.equal((await shown('show', name)).name, 'demo', name);
    }
  });

  test('create makes one as it was asked for', async () => {
    const made = await shown(
      ...['create', 'new0', '--link', 'memory', '--address', '10.1.0.1/24'],
      ...['--address', 'fd01::1/64', '--mtu', '1400', '--route', '10.2.0.0/16@7'],
      ...['--allow-user', '0', '--allow-user', 'root', '--allow-descriptor'],
    );
    const { name, mtu, addresses, routes, access } = made;
    assert.deepEqual([name, mtu, addresses], ['new0', 1400, ['10.1.0.1/24', 'fd01::1/64']]);
    assert.deepEqual(routes, [{ destination: '10.2.0.0/16', metric: 7 }]);
    assert.deepEqual(access, { users: [0, 'root'], descriptor: true });
    assert.deepEqual(await shown('remove', 'new0'), made);
    assert.equal((await host.host.call('adapter.list')).length, 1);
  });

  test('set changes what is given, and can take all addresses away', async () => {
    await host.create({ name: 'set0', addresses: ['10.3.0.1/24'] });
    const first = await shown('set', 'set0', '--mtu', '1300');
    assert.deepEqual([first.mtu, first.addresses], [1300, ['10.3.0.1/24']]);
    const second = await shown('set', 'set0', '--no-address', '--route', '10.4.0.0/16');
    assert.deepEqual([second.mtu, second.addresses], [1300, []]);
    assert.deepEqual(second.routes, ['10.4.0.0/16']);
    assert.deepEqual((await shown('set', 'set0', '--no-route')).routes, []);
    await host.host.call('adapter.remove', { adapter: 'set0' });
  });

  test('pause, power and restart say what it came to', async () => {
    const typetun = (...args: string[]) => host.typetun(['adapter', ...args]);
    const paused = await typetun('pause', 'demo');
    assert.equal(paused.stdout, 'demo: Paused, power D0, media Disconnected\n');
    assert.match((await typetun('power', 'demo', 'D3')).stdout, /^demo: Paused, power D3/);
    assert.match((await typetun('restart', 'demo')).stdout, /^demo: Running, power D3/);
    assert.match((await typetun('power', 'demo', 'D0')).stdout, /^demo: Running, power D0/);
  });

  test('an adapter that is not there is status 1, with the code and which there are', async () => {
    const { code, stdout, stderr } = await host.typetun(['adapter', 'show', 'dmeo', '--json']);
    assert.equal(code, 1);
    const { ok, via, error } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([ok, via], [false, 'host']);
    assert.equal((error as { code: string }).code, 'ERR_TUN_NOT_FOUND');
    assert.match(stderr, /^typetun: no adapter of this host is called dmeo; there is only demo/);
  });

  test('a value the host refuses is a wrong call: status 2, and no object', async () => {
    const wrong = ['adapter', 'create', 'a', '--link', 'memory', '--mtu', '5', '--json'];
    const { code, stdout, stderr } = await host.typetun(wrong);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^typetun: "?mtu"? is 5; give .*\n$/);
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
    const { code, stdout, stderr } = await host.typetun(['adapter', 'list', '--no-host']);
    assert.equal(code, 0);
    assert.equal(stderr, 'typetun: in this process (--no-host)\n');
    assert.doesNotMatch(stdout, /^demo /m);
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
