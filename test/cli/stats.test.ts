/** `typetun stats` and `typetun properties`, on a host of this process and without one. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BundleWriter } from 'typetun';
import { HostDevice } from 'typetun/service';
import { runTypetun } from '../support/command.ts';
import { echoPacket, pattern } from '../support/ip-packets.ts';
import { type RealHost, startHost } from '../support/real-host.ts';

const PACKET_BYTES = 128;

interface Looked {
  readonly rates: readonly {
    readonly adapter: string;
    readonly inPackets: number;
    readonly inOctets: number;
    readonly packetsPerBundle: number | null;
  }[];
  readonly adapters: readonly {
    readonly time: number;
    readonly statistics: { readonly bundles: { readonly packetsWritten: number } };
  }[];
}

describe('typetun stats on a host', () => {
  let host: RealHost;
  let device: HostDevice;
  const bundle = new BundleWriter();
  bundle.append(echoPacket('10.7.0.2', '10.7.0.1', pattern(PACKET_BYTES - 28)));

  before(async () => {
    host = await startHost();
    await host.create({ name: 'demo', addresses: ['10.7.0.1/24'] });
    await host.create({ name: 'other', addresses: ['10.8.0.1/24'] });
    device = await HostDevice.open('demo', { runDirectory: host.runDirectory });
    for (let i = 0; i < 3; i++) await device.write(bundle);
    await host.host.call('adapter.pause', { adapter: 'demo' });
    await device.write(bundle);
    await host.host.call('adapter.restart', { adapter: 'demo' });
  });
  after(async () => {
    await device.close();
    await host[Symbol.asyncDispose]();
  });

  test('says what passed, and what did not, by reason', async () => {
    const { code, stdout, stderr } = await host.typetun(['stats', 'demo']);
    assert.equal(code, 0);
    assert.match(stderr, /^typetun: on the host at /);
    assert.match(stdout, /^demo WINTUN\d+\n/);
    assert.match(stdout, /^ {2}in +3 packets, 384 B, 1 dropped$/m);
    assert.match(stdout, /^ {2}not taken +paused 1$/m);
    assert.match(stdout, /^ {2}bundles +0 read .*, \d written$/m);
  });

  test('--json has the counters as the host says them, of one adapter or of all', async () => {
    const one = (await host.json('stats', 'demo'))['adapters'] as Looked['adapters'];
    assert.equal(one.length, 1);
    const [said] = await host.host.call('statistics', { adapter: 'demo' });
    assert.deepEqual({ ...one[0], time: 0 }, { ...said, time: 0 });
    const all = (await host.json('stats'))['adapters'] as { adapter: string }[];
    assert.deepEqual(
      all.map(({ adapter }) => adapter),
      ['demo', 'other'],
    );
  });

  test('--watch --json prints an object for each look, whose rates are those of its counters', async () => {
    const writing = setInterval(() => void device.write(bundle), 5);
    const args = ['stats', 'demo', '--watch', '--interval', '0.1', '--count', '3', '--json'];
    const { code, stdout } = await host.typetun(args);
    clearInterval(writing);
    assert.equal(code, 0);
    const looks = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Looked);
    assert.equal(looks.length, 3);
    for (const [i, look] of looks.entries()) {
      const [rate] = look.rates;
      assert.equal(rate!.inOctets, rate!.inPackets * PACKET_BYTES);
      assert.equal(rate!.packetsPerBundle, null, 'nobody reads');
      const [now] = look.adapters;
      const before = looks[i - 1]?.adapters[0];
      if (before === undefined) continue;
      const packets =
        now!.statistics.bundles.packetsWritten - before.statistics.bundles.packetsWritten;
      const seconds = (now!.time - before.time) / 1000;
      assert.ok(packets > 0);
      assert.ok(Math.abs(rate!.inPackets - packets / seconds) < 1e-6 * rate!.inPackets);
    }
  });

  test('--watch prints tables one below the other where nobody watches, until a signal', async () => {
    const { code, stdout } = await host.typetun(['stats', '--watch', '--interval', '0.05'], {
      onStart: (child) => {
        child.stdout?.once('data', () => child.kill('SIGINT'));
      },
    });
    assert.equal(code, 130);
    assert.match(stdout, /^NAME +OUT +OUT PACKETS +IN .*LOST\ndemo +\d.*bit\/s.*\nother /);
    assert.equal(stdout.includes('\x1b'), false);
  });

  test('properties says what the adapter is, for people and as an object', async () => {
    const { stdout } = await host.typetun(['properties', 'demo']);
    assert.match(stdout, /medium +IP, virtual, broadcast, full duplex\n/);
    assert.match(stdout, /engine +memory\n/);
    const { adapter, properties } = await host.json('properties', 'demo');
    assert.equal(adapter, 'demo');
    assert.deepEqual(properties, await host.host.call('adapter.properties', { adapter: 'demo' }));
  });
});

const WRONG: readonly (readonly [readonly string[], number, RegExp])[] = [
  [['stats', 'nope0', '--no-host'], 1, /no TUN interface of this machine is called nope0/],
  [['properties', 'nope0', '--no-host'], 1, /no TUN interface of this machine is called nope0/],
  [['properties'], 2, /missing required argument 'adapter'/],
  [['stats', '--watch', '--interval', '0'], 2, /'0' is invalid\. give a number of seconds above 0/],
  [['stats', '--watch', '--count', '0'], 2, /'0' is invalid\. give a whole number above 0/],
  [['stats', '--wacth'], 2, /unknown option '--wacth'[\s\S]*--watch/],
];

for (const [args, status, message] of WRONG) {
  test(`"typetun ${args.join(' ')}" is refused with status ${status} and the remedy`, async () => {
    const { code, stdout, stderr } = await runTypetun(args);
    assert.deepEqual([code, stdout], [status, ''], stderr);
    assert.match(stderr, message);
  });
}
