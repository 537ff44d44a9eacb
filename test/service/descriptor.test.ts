/** The TUN's descriptor in the hands of a client, on the real kernel. As root. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Adapter, TunErrorCode } from 'typetun';
import { HostDescriptor, HostDevice } from 'typetun/service';
import { ip, rootSkip, withNetns } from '../kernel/support/netns.ts';
import { ROOT, type Served, scratch, serve } from './support/serve.ts';

const run = promisify(execFile);
const CLIENT = join(ROOT, 'test', 'service', 'support', 'descriptor-client.py');

interface Counts {
  readonly read: number;
  readonly written: number;
  readonly refused: number;
  readonly error: string;
}

/** A Python program that has the descriptor. */
class Client {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(socket: string) {
    this.process = spawn('python3', [CLIENT, socket], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines: Interface = createInterface({ input: this.process.stdout! });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value } = await this.#lines.next();
    return String(value);
  }

  /** What has passed so far; with `write` after it has tried to write one more. */
  async counts(word: 'write' | 'count' = 'count'): Promise<Counts> {
    this.process.stdin!.write(`${word}\n`);
    return JSON.parse(await this.line()) as Counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL');
    if (this.process.exitCode === null) await once(this.process, 'close');
  }
}

async function ping(netns: string, count = 5): Promise<number> {
  const args = ['ping', '-c', String(count), '-i', '0.05', '-W', '1', '10.7.0.2'];
  const said = await run('ip', ['netns', 'exec', netns, ...args]).catch((error) => error);
  return Number(/(\d+) received/.exec((said as { stdout: string }).stdout)?.[1] ?? 0);
}

/** Pings until one is answered: what is sent before the kernel has seen the carrier is dropped. */
async function answered(netns: string): Promise<boolean> {
  for (let i = 0; i < 10; i++) if ((await ping(netns, 2)) > 0) return true;
  return false;
}

const CONFIG = {
  addresses: ['10.7.0.1/24', 'fd07::1/64'],
  routes: ['10.8.0.0/16'],
  access: { descriptor: true },
};

async function withHost(use: (host: Served, netns: string) => Promise<void>): Promise<void> {
  using folder = scratch();
  await withNetns(async (netns) => {
    await using host = await serve(join(folder.path, 'run'));
    await use(host, netns);
  });
}

describe('a client with the descriptor', { skip: rootSkip('ping', 'python3') }, () => {
  test('moves packets itself, which the interface counts', async () => {
    await withHost(async (host, netns) => {
      const made = await host.control.call('adapter.create', { name: 'fd0', netns, ...CONFIG });
      await using client = new Client(made.socket);
      assert.equal(await client.line(), 'lent');
      assert.ok(await answered(netns));
      assert.equal(await ping(netns), 5);
      const counts = await client.counts();
      const [entry] = await host.control.call('statistics', { adapter: 'fd0' });
      assert.equal(entry!.interface!.in.packets, counts.written);
      assert.ok(entry!.interface!.out.packets >= counts.read);
      assert.equal(entry!.statistics.bundles.packetsWritten, 0);
      const shown = await host.control.call('adapter.show', { adapter: 'fd0' });
      assert.ok(shown.lent);
      assert.equal(shown.clients[0]!.role, 'descriptor');
    });
  });

  for (const [what, stop, start] of [
    [
      'a pause',
      (host: Served) => host.control.call('adapter.pause', { adapter: 'fd0' }),
      (host: Served) => host.control.call('adapter.restart', { adapter: 'fd0' }),
    ],
    [
      'low power',
      (host: Served) => host.control.call('adapter.power', { adapter: 'fd0', power: 'D3' }),
      (host: Served) => host.control.call('adapter.power', { adapter: 'fd0', power: 'D0' }),
    ],
  ] as const) {
    test(`gets nothing through after ${what}, either way, and everything after its end`, async () => {
      await withHost(async (host, netns) => {
        const made = await host.control.call('adapter.create', { name: 'fd0', netns, ...CONFIG });
        await using client = new Client(made.socket);
        assert.equal(await client.line(), 'lent');
        assert.ok(await answered(netns));
        const stopped = await stop(host);
        assert.deepEqual(
          [stopped.state, stopped.power],
          [what === 'a pause' ? 'Paused' : 'Running', what === 'a pause' ? 'D0' : 'D3'],
        );
        const before = await client.counts();
        const [counted] = await host.control.call('statistics', { adapter: 'fd0' });
        assert.equal(await ping(netns), 0);
        const tried = await client.counts('write');
        assert.equal(tried.read, before.read);
        assert.deepEqual([tried.refused, tried.error], [1, 'Input/output error']);
        const [after] = await host.control.call('statistics', { adapter: 'fd0' });
        const { in: written, out } = counted!.interface!;
        // The kernel counts the packet that it refused.
        assert.deepEqual(after!.interface!.in, { ...written, dropped: written.dropped + 1 });
        assert.equal(after!.interface!.out.packets, out.packets);
        await start(host);
        assert.ok(await answered(netns));
        assert.equal(await ping(netns), 5);
        assert.match(await ip('-n', netns, 'addr', 'show', 'fd0'), /inet6 fd07::1\/64/);
        assert.match(await ip('-n', netns, 'route'), /10\.8\.0\.0\/16 dev fd0/);
      });
    });
  }

  test('is told when the adapter is removed, and has nothing then', async () => {
    await withHost(async (host, netns) => {
      const made = await host.control.call('adapter.create', { name: 'fd0', netns, ...CONFIG });
      await using client = new Client(made.socket);
      assert.equal(await client.line(), 'lent');
      await host.control.call('adapter.remove', { adapter: 'fd0' });
      assert.match(await client.line(), /goodbye .*ERR_TUN_FORCED_CLOSED/);
      assert.equal(await ip('-n', netns, '-o', 'link', 'show', 'type', 'tun'), '');
    });
  });

  test('hears when others remove the interface, and the host goes on', async () => {
    await withHost(async (host, netns) => {
      const made = await host.control.call('adapter.create', { name: 'fd0', netns, ...CONFIG });
      await using client = new Client(made.socket);
      assert.equal(await client.line(), 'lent');
      await ip('-n', netns, 'link', 'delete', 'fd0');
      assert.match(await client.line(), /goodbye .*ERR_TUN_ADAPTER_REMOVED/);
      assert.deepEqual(await host.control.call('adapter.list'), []);
      await host.control.call('adapter.create', { name: 'fd0', netns, ...CONFIG });
    });
  });

  test('is the only one, and gives the device back when it is gone', async () => {
    await withHost(async (host, netns) => {
      const made = await host.control.call('adapter.create', { name: 'fd0', netns, ...CONFIG });
      {
        await using client = new Client(made.socket);
        assert.equal(await client.line(), 'lent');
        await assert.rejects(HostDevice.open(made.socket), { code: TunErrorCode.BUSY });
      }
      await using device = await again(made.socket);
      await using second = new Client(made.socket);
      assert.match(await second.line(), /refused ERR_TUN_BUSY .*1 clients have it/);
      const shown = await host.control.call('adapter.show', { adapter: 'fd0' });
      assert.deepEqual([shown.lent, shown.state, shown.media], [false, 'Running', 'Connected']);
      assert.match(await ip('-n', netns, 'route'), /10\.8\.0\.0\/16 dev fd0/);
      const read = device.read();
      await ping(netns, 1);
      assert.ok((await read).length > 0);
    });
  });

  test('stays paused when it was paused while it was lent', async () => {
    await withHost(async (host, netns) => {
      const made = await host.control.call('adapter.create', { name: 'fd0', netns, ...CONFIG });
      {
        await using client = new Client(made.socket);
        assert.equal(await client.line(), 'lent');
        await host.control.call('adapter.pause', { adapter: 'fd0' });
      }
      await using _device = await again(made.socket);
      const { state } = await host.control.call('adapter.show', { adapter: 'fd0' });
      assert.equal(state, 'Paused');
    });
  });

  test('needs the right to it', async () => {
    await withHost(async (host, netns) => {
      const made = await host.control.call('adapter.create', { name: 'no0', netns });
      await using client = new Client(made.socket);
      assert.match(await client.line(), /refused ERR_TUN_NO_PRIVILEGE .*"descriptor": true/);
      await host.control.call('adapter.set', { adapter: 'no0', access: { descriptor: true } });
      await using second = new Client(made.socket);
      assert.match(
        await second.line(),
        /refused ERR_TUN_UNSUPPORTED .*made without several queues/,
      );
      await using device = await HostDevice.open(made.socket);
      assert.equal(device.welcome.adapter, 'no0');
    });
  });

  test('of the library makes an adapter of it', async () => {
    await withHost(async (host, netns) => {
      const made = await host.control.call('adapter.create', { name: 'fd0', netns, ...CONFIG });
      await using lent = await HostDescriptor.open(made.socket, { client: 'library' });
      await using adapter = await Adapter.fromFd(lent.fd);
      await using device = adapter.openDevice();
      const read = device.read();
      await ping(netns, 10);
      assert.ok((await read).count > 0);
      await host.control.call('adapter.remove', { adapter: 'fd0' });
      assert.equal(((await lent.ended) as { code?: string }).code, TunErrorCode.FORCED_CLOSED);
    });
  });
});

/** Opens the device as soon as the descriptor is back. */
async function again(socket: string): Promise<HostDevice> {
  for (;;) {
    try {
      return await HostDevice.open(socket);
    } catch (error) {
      assert.equal((error as { code?: string }).code, TunErrorCode.BUSY);
    }
  }
}
