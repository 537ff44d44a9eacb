/** A host that is killed in the middle of traffic, and the one that comes after it. As root. */

import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BundleWriter } from 'typetun';
import { HostDevice } from 'typetun/service';
import { ip, rootSkip, withNetns } from '../kernel/support/netns.ts';
import { until } from '../support/until.ts';
import { echoRequest } from './support/ping.ts';
import { scratch, serve } from './support/serve.ts';

const CLIENTS = 20;
/** What issue 6 asks for. */
const ADOPTED_WITHIN_MS = 2000;
const PAUSE_MS = 5;

/** Pings the kernel's own address through the device, over and over, and counts what is answered. */
class Traffic {
  readonly device: HostDevice;
  answers = 0;
  readonly #stop = new AbortController();
  readonly #done: Promise<unknown>;

  constructor(device: HostDevice, far: string, near: string) {
    this.device = device;
    const writer = new BundleWriter();
    writer.append(echoRequest(far, near));
    this.#done = Promise.all([this.#write(writer.finish()), this.#read()]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.device.close();
    await this.#done;
  }

  async #write(bundle: Uint8Array): Promise<void> {
    while (!this.#stop.signal.aborted) {
      // The one that was under way when the host was killed is not known to have arrived.
      await this.device.write(bundle).catch(() => 0);
      await sleep(PAUSE_MS);
    }
  }

  async #read(): Promise<void> {
    for await (const bundle of this.device) if (bundle.length > 0) this.answers++;
  }
}

/** How long a host takes to start that has nothing to do, in ms. */
async function startMs(runDirectory: string): Promise<number> {
  const started = performance.now();
  await using _host = await serve(runDirectory);
  return performance.now() - started;
}

describe('a host that is killed', { skip: rootSkip() }, () => {
  test(`in the traffic of ${CLIENTS} clients leaves all of it to the next one, within 2 s`, async () => {
    using folder = scratch();
    await withNetns(async (netns) => {
      const config = join(folder.path, 'typetun.json');
      const adapters = Array.from({ length: CLIENTS }, (_, i) => ({
        ...{ name: `re${i}`, addresses: [`10.7.${i}.1/24`], persist: true, netns },
      }));
      writeFileSync(config, JSON.stringify({ adapters }));
      const runDirectory = join(folder.path, 'run');
      const options = { args: ['--config', config] };
      await using first = await serve(runDirectory, options);
      const before = await first.control.call('adapter.list');
      const traffic = await Promise.all(
        before.map(async ({ socket, name }, i) => {
          const device = await HostDevice.open(socket, { client: name });
          return new Traffic(device, `10.7.${i}.2`, `10.7.${i}.1`);
        }),
      );
      try {
        await until(() => traffic.every(({ answers }) => answers > 10));
        await first.stop('SIGKILL');
        const killed = traffic.map(({ answers }) => answers);
        const emptyMs = await startMs(join(folder.path, 'empty'));
        const started = performance.now();
        await using second = await serve(runDirectory, options);
        await until(() => traffic.every(({ device }) => device.reconnects === 1));
        // Without what any program of Node.js takes to start, on a machine as busy as this one is.
        const tookMs = performance.now() - started - emptyMs;
        assert.ok(
          tookMs < ADOPTED_WITHIN_MS,
          `it took ${tookMs} ms (and an empty host ${emptyMs})`,
        );
        await until(() => traffic.every(({ answers }, i) => answers > killed[i]!));
        const after = await second.control.call('adapter.list');
        const identity = ({ name, luidIndex, addresses }: (typeof after)[number]): unknown[] => [
          ...[name, luidIndex, addresses],
        ];
        assert.deepEqual(after.map(identity), before.map(identity));
        assert.equal(second.log().match(/adapter adopted/g)?.length, CLIENTS);
        const sockets = after.map(({ device }) => device.replace(/.*\\/, ''));
        assert.deepEqual(readdirSync(runDirectory).sort(), [...sockets, 'control', 'lock'].sort());
      } finally {
        await Promise.all(traffic.map((one) => one.stop()));
      }
    });
  });

  test('leaves no stale socket of an adapter that went with it', async () => {
    using folder = scratch();
    await withNetns(async (netns) => {
      const runDirectory = join(folder.path, 'run');
      await using first = await serve(runDirectory);
      await first.control.call('adapter.create', { name: 'gone0', netns });
      await first.stop('SIGKILL');
      assert.equal(readdirSync(runDirectory).filter((name) => /WINTUN/.test(name)).length, 1);
      await using second = await serve(runDirectory);
      assert.deepEqual(await second.control.call('adapter.list'), []);
      assert.deepEqual(readdirSync(runDirectory).sort(), ['control', 'lock']);
    });
  });

  test('does not make the next one forget what was made over the control socket', async () => {
    using folder = scratch();
    await withNetns(async (netns) => {
      const runDirectory = join(folder.path, 'run');
      await using first = await serve(runDirectory);
      const wanted = { name: 'kept0', netns, persist: true, addresses: ['10.7.0.1/24'] };
      const before = await first.control.call('adapter.create', wanted);
      await first.control.call('adapter.set', { adapter: 'kept0', access: { users: [7] } });
      await first.stop('SIGKILL');
      await using second = await serve(runDirectory);
      const [after] = await second.control.call('adapter.list');
      assert.deepEqual([after!.luidIndex, after!.origin], [before.luidIndex, 'control']);
      assert.deepEqual(after!.access, { users: [7] });
      await second.control.call('adapter.remove', { adapter: 'kept0' });
      assert.equal(await ip('-n', netns, '-o', 'link', 'show', 'type', 'tun'), '');
      await second.stop();
      await using third = await serve(runDirectory);
      assert.deepEqual(await third.control.call('adapter.list'), []);
    });
  });

  test('and one that ends by SIGTERM leaves persistent interfaces, and no others', async () => {
    using folder = scratch();
    await withNetns(async (netns) => {
      await using host = await serve(join(folder.path, 'run'));
      await host.control.call('adapter.create', { name: 'stay0', netns, persist: true });
      await host.control.call('adapter.create', { name: 'go0', netns });
      assert.equal(await host.stop(), 0);
      const left = await ip('-n', netns, '-o', 'link', 'show', 'type', 'tun');
      assert.match(left, /stay0/);
      assert.doesNotMatch(left, /go0/);
      assert.deepEqual(readdirSync(host.runDirectory).sort(), ['adapters.json', 'lock']);
    });
  });
});
