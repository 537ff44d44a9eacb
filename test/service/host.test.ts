/** The host in this process, over its sockets: no privileges, adapters in process. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { BundleReader, BundleWriter, isTunError, TunErrorCode } from 'typetun';
import { ControlClient, type ControlEvent, Host, HostDevice } from 'typetun/service';
import { until } from '../support/until.ts';
import { echoRequest } from './support/ping.ts';
import { RawClient } from './support/raw.ts';
import { scratch } from './support/serve.ts';

describe('a host with adapters in process', () => {
  let folder: ReturnType<typeof scratch>;
  let host: Host;
  let control: ControlClient;
  let runDirectory: string;

  beforeEach(async () => {
    folder = scratch();
    runDirectory = join(folder.path, 'run');
    host = await Host.start({ runDirectory });
    control = await ControlClient.connect({ runDirectory });
  });

  afterEach(async () => {
    await control.close();
    await host.stop();
    folder[Symbol.dispose]();
  });

  const create = (name: string) =>
    control.call('adapter.create', { name, link: 'memory', addresses: ['10.7.0.1/24'] });

  test('makes, shows, changes and removes an adapter', async () => {
    const made = await create('a0');
    assert.deepEqual([made.state, made.media, made.origin], ['Running', 'Disconnected', 'control']);
    assert.ok(existsSync(made.socket));
    const set = await control.call('adapter.set', { adapter: 'a0', mtu: 1400 });
    assert.equal(set.mtu, 1400);
    for (const adapter of ['a0', `WINTUN${made.luidIndex}`, made.device, String(made.luidIndex)]) {
      assert.equal((await control.call('adapter.show', { adapter })).mtu, 1400);
    }
    await control.call('adapter.remove', { adapter: 'a0' });
    assert.deepEqual(await control.call('adapter.list'), []);
    assert.deepEqual(readdirSync(runDirectory).sort(), ['control', 'lock']);
  });

  test('pauses, restarts and powers an adapter, and tells who subscribed', async () => {
    await create('a0');
    const events: ControlEvent[] = [];
    await control.subscribe((event) => events.push(event));
    const paused = await control.call('adapter.pause', { adapter: 'a0' });
    assert.equal(paused.state, 'Paused');
    assert.equal((await control.call('adapter.restart', { adapter: 'a0' })).state, 'Running');
    const low = await control.call('adapter.power', { adapter: 'a0', power: 'D3' });
    assert.equal(low.power, 'D3');
    const states = events.flatMap((one) => (one.event === 'state' ? [one.state] : []));
    assert.deepEqual(states, ['Pausing', 'Paused', 'Restarting', 'Running']);
    assert.deepEqual(events.at(-1), {
      ...{ event: 'power', adapter: 'a0', device: `WINTUN${low.luidIndex}`, power: 'D3' },
    });
  });

  test('tells a connection the events that it chose, and none when it wants none', async () => {
    using client = new RawClient(join(runDirectory, 'control')).lines();
    const say = (method: string, params: object): void => {
      client.socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })}\n`);
    };
    say('events.subscribe', { events: ['adapter.removed'] });
    await client.line();
    await create('a0');
    await control.call('adapter.remove', { adapter: 'a0' });
    assert.match(await client.line(), /"event":"adapter.removed","adapter":"a0"/);
    say('events.unsubscribe', {});
    await client.line();
    await create('a1');
    say('host.info', {});
    assert.match(await client.line(), /"version"/);
    say('events.subscribe', { events: ['nope'] });
    assert.match(await client.line(), /there is no event \\"nope\\"; there are adapter.added/);
  });

  test('refuses a second adapter of the same name, and parameters it does not know', async () => {
    await create('a0');
    await assert.rejects(create('a0'), { code: TunErrorCode.NAME_TAKEN });
    const wrong = { adapter: 'a0', colour: 'red' } as { adapter: string };
    await assert.rejects(control.call('adapter.pause', wrong), {
      name: 'TypeError',
      message: /adapter.pause has no parameter "colour"; there are adapter/,
    });
    await assert.rejects(control.call('adapter.set', { adapter: 'a0', mtu: 7 }), RangeError);
    await assert.rejects(control.call('adapter.show', { adapter: 'b' }), {
      message: 'no adapter of this host is called b; there is only a0',
    });
  });

  test('reports its state without packet contents', async () => {
    await create('a0');
    const report = await control.call('debug');
    assert.equal(report.adapters[0]!.statistics.statistics.taken, 0);
    assert.equal(report.adapters[0]!.properties.medium, 'IP');
    assert.equal(report.controlConnections, 1);
    assert.ok(report.log.some((line) => line.includes('adapter made (adapter=a0')));
  });

  test('answers the same over the socket and in process', async () => {
    await create('a0');
    assert.deepEqual(await host.call('adapter.list'), await control.call('adapter.list'));
  });

  test('gives a client of the library what the system sends, and takes what it writes', async () => {
    await create('a0');
    await using device = await HostDevice.open('a0', { runDirectory, client: 'test' });
    const shown = await control.call('adapter.show', { adapter: 'a0' });
    assert.equal(shown.media, 'Connected');
    assert.equal(shown.clients[0]!.name, 'test');
    const writer = new BundleWriter();
    assert.ok(writer.append(echoRequest('10.7.0.9', '10.7.0.1')));
    assert.equal(await device.write(writer), 1);
    const reader = new BundleReader();
    reader.reset(await device.read());
    assert.ok(reader.next());
    assert.equal(reader.length, echoRequest('10.7.0.9', '10.7.0.1').length);
    await assert.rejects(device.write(new Uint8Array(16).fill(1)), (error: Error) =>
      isTunError(error, TunErrorCode.BUNDLE_INVALID),
    );
    assert.equal(await device.write(writer), 1);
    await device.close();
    await until(() => host.adapters.find('a0').clients.length === 0);
    assert.equal((await control.call('adapter.show', { adapter: 'a0' })).media, 'Disconnected');
  });

  test('ends a client with the reason when its adapter is removed', async () => {
    await create('a0');
    await using device = await HostDevice.open('a0', { runDirectory });
    const read = assert.rejects(device.read(), { code: TunErrorCode.FORCED_CLOSED });
    await control.call('adapter.remove', { adapter: 'a0' });
    await read;
    assert.ok(device.closed);
  });

  test('lets reads wait while the adapter is paused, and delivers nothing then', async () => {
    await create('a0');
    await using device = await HostDevice.open('a0', { runDirectory });
    await control.call('adapter.pause', { adapter: 'a0' });
    const writer = new BundleWriter();
    writer.append(echoRequest('10.7.0.9', '10.7.0.1'));
    assert.equal(await device.write(writer), 0);
    const read = device.read();
    await control.call('adapter.restart', { adapter: 'a0' });
    assert.equal(await device.write(writer), 1);
    assert.ok((await read).length > 0);
  });

  test('refuses to start twice at one run directory, and starts again when the first ended', async () => {
    await assert.rejects(Host.start({ runDirectory }), {
      code: TunErrorCode.HOST_RUNNING,
      message: new RegExp(`a host runs already at ${runDirectory} \\(process ${process.pid}\\)`),
    });
    await host.stop();
    host = await Host.start({ runDirectory });
    await using again = await ControlClient.connect({ runDirectory });
    assert.equal((await again.call('host.info')).adapters, 0);
  });
});
