/** Captures played back into adapters of the kernel, and out of interfaces. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { Adapter, isTunError, PcapngWriter, replay, replayOut, TunErrorCode } from 'typetun';
import { echoPacket, pattern, udpPacket } from '../support/ip-packets.ts';
import { startCapture } from './support/capture-command.ts';
import { carrierSeen, ip, rootSkip, withNetns } from './support/netns.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'typetun-replay-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const options = { skip: rootSkip() };
const NAME = 'repl0';

interface Recorded {
  readonly packet: Uint8Array;
  readonly outbound: boolean;
  /** Milliseconds after the first. */
  readonly at: number;
}

let files = 0;

/** Makes a file with these packets. */
async function record(recorded: readonly Recorded[], snapLength = 0): Promise<string> {
  const file = join(folder, `${files++}.pcapng`);
  const writer = await PcapngWriter.open(file, { snapLength });
  for (const { packet, outbound, at } of recorded) {
    const microseconds = 1_700_000_000_000_000 + at * 1000;
    const size = packet.length;
    writer.recordPacket({ bytes: packet, offset: 0, size, original: size, outbound, microseconds });
  }
  await writer.close();
  return file;
}

const request = (i: number): Uint8Array => echoPacket('10.7.0.2', '10.7.0.1', pattern(i, i));
const requests = Array.from({ length: 5 }, (_, i) => ({
  packet: request(i),
  outbound: false,
  at: 0,
}));

/** Runs `use` in a namespace with a persistent TUN that nobody has open, up at 10.7.0.1/24. */
async function withTun(use: (netns: string) => Promise<void>): Promise<void> {
  await withNetns(async (netns) => {
    await ip('-n', netns, 'tuntap', 'add', NAME, 'mode', 'tun');
    await ip('-n', netns, 'addr', 'add', '10.7.0.1/24', 'dev', NAME);
    await ip('-n', netns, 'link', 'set', NAME, 'up');
    await use(netns);
  });
}

async function command(
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return await run(process.execPath, ['dist/cli/main.js', 'replay', ...args]).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      ...{ code, stdout, stderr },
    }),
  );
}

test('the command writes what was inbound into a TUN, and the host answers', options, async () => {
  await withTun(async (netns) => {
    const outbound = { packet: echoPacket('10.7.0.1', '10.7.0.9', [1]), outbound: true, at: 0 };
    const file = await record([...requests, outbound]);
    const taking = await startCapture([
      NAME,
      '--netns',
      netns,
      '--count',
      '10',
      '--filter',
      'icmp',
    ]);
    const { code, stdout, stderr } = await command(file, NAME, '--netns', netns);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '5 packets played, 1 of the other direction\n');
    assert.equal(await taking.ended, 0);
    const printed = taking.stdout().toString();
    assert.equal(
      [...printed.matchAll(/in {2}10\.7\.0\.2 > 10\.7\.0\.1: icmp echo request/g)].length,
      5,
    );
    assert.equal(
      [...printed.matchAll(/out 10\.7\.0\.1 > 10\.7\.0\.2: icmp echo reply/g)].length,
      5,
    );
    const all = await command(file, NAME, '--netns', netns, '--only', 'both', '--json');
    const none = { refused: 0, otherDirection: 0, filtered: 0, cut: 0, notIp: 0 };
    assert.deepEqual(JSON.parse(all.stdout), { played: 6, ...none });
    const some = await command(file, NAME, '--netns', netns, '--filter', 'less 30', '--json');
    assert.deepEqual(JSON.parse(some.stdout), {
      ...none,
      played: 3,
      filtered: 2,
      otherDirection: 1,
    });
  });
});

test(
  'with --direction send a program reads what was outbound, byte by byte and in order',
  options,
  async () => {
    await withNetns(async (netns) => {
      await using adapter = await Adapter.create({
        name: NAME,
        netns,
        addresses: ['10.7.0.1/24'],
        offload: 'off',
      });
      await using device = adapter.openDevice();
      await carrierSeen(netns, NAME);
      const sent = Array.from({ length: 300 }, (_, i) =>
        udpPacket('10.7.0.1', i, '10.7.0.2', 9, pattern(i)),
      );
      const file = await record([
        ...sent.map((packet) => ({ packet, outbound: true, at: 0 })),
        ...requests,
      ]);
      const { code, stdout, stderr } = await command(
        file,
        NAME,
        '--netns',
        netns,
        '--direction',
        'send',
        '--speed',
        'max',
      );
      assert.equal(code, 0, stderr);
      assert.equal(stdout, '300 packets played, 5 of the other direction\n');
      const read: Uint8Array[] = [];
      for (let bundle = device.readSync(); bundle !== null; bundle = device.readSync()) {
        for (const packet of bundle) read.push(packet.slice());
      }
      assert.deepEqual(read, sent);
    });
  },
);

test('packets are played at their pace, or so much faster', options, async () => {
  await withTun(async (netns) => {
    const file = await record(requests.map((one, i) => ({ ...one, at: i * 100 })));
    await using adapter = await Adapter.open(NAME, { netns });
    await using device = adapter.openDevice();
    const took = async (speed: number): Promise<number> => {
      const start = performance.now();
      const { played, refused } = await replay(file, device, { speed });
      assert.deepEqual([played, refused], [5, 0]);
      return performance.now() - start;
    };
    const [normal, double, max] = [
      await took(1),
      await took(2),
      await took(Number.POSITIVE_INFINITY),
    ];
    assert.ok(normal >= 399, `${normal} ms`);
    assert.ok(double >= 199 && double < normal, `${double} ms`);
    assert.ok(max < double, `${max} ms`);
  });
});

test('what is not whole or no packet is left out, and counted', options, async () => {
  await withTun(async (netns) => {
    const long = {
      packet: udpPacket('10.7.0.2', 1, '10.7.0.1', 2, pattern(200)),
      outbound: false,
      at: 0,
    };
    const file = await record([...requests, long], 100);
    await using adapter = await Adapter.open(NAME, { netns });
    await using device = adapter.openDevice();
    const { played, cut } = await replay(createReadStream(file), device);
    assert.deepEqual([played, cut], [5, 1]);
    await adapter.pause();
    const { played: none, refused } = await replay(file, device);
    assert.deepEqual([none, refused], [0, 5]);
  });
});

test('a signal ends a replay', options, async () => {
  await withTun(async (netns) => {
    const file = await record(requests.map((one, i) => ({ ...one, at: i * 60_000 })));
    await using adapter = await Adapter.open(NAME, { netns });
    await using device = adapter.openDevice();
    const signal = AbortSignal.timeout(50);
    await assert.rejects(replay(file, device, { signal }), { name: 'TimeoutError' });
  });
});

test('refuses what cannot be', options, async () => {
  await withTun(async (netns) => {
    const file = await record(requests);
    await using adapter = await Adapter.open(NAME, { netns });
    await using device = adapter.openDevice();
    await assert.rejects(replay(file, device, { speed: 0 }), /speed is 0; give a factor above 0/);
    await assert.rejects(replay(file, device, { direction: 'up' as 'send' }), /direction is "up"/);
    await assert.rejects(replay(file, device, { filter: 'tcp or' }), /the end at position 7/);
    await assert.rejects(replayOut(file, 'nosuch0'), (error) =>
      isTunError(error, TunErrorCode.NOT_FOUND),
    );
    const busy = await command(file, NAME, '--netns', netns);
    assert.equal(busy.code, 1);
    assert.match(busy.stderr, /ERR_TUN_BUSY/);
    const missing = await command(join(folder, 'none'), 'lo', '--direction', 'send');
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /none cannot be read: ENOENT/);
  });
});
