/** `typetun device` on adapters of a host in this process, whose systems answer pings. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { BundleReader, BundleWriter, MAX_BUNDLE_BYTES, PcapngWriter, readCapture } from 'typetun';
import { HostDevice } from 'typetun/service';
import { echoPacket, pattern } from '../support/ip-packets.ts';
import { type RealHost, startHost } from '../support/real-host.ts';
import { until } from '../support/until.ts';

const shell = promisify(execFile);
const SYSTEM = '10.7.0.1';
const PEER = '10.7.0.2';
const PINGS = 5;

/** Pings from the far side to the system of 10.7.0.1/24, each of another length. */
function pings(count: number): Buffer {
  const writer = new BundleWriter(new Uint8Array(MAX_BUNDLE_BYTES));
  for (let i = 0; i < count; i++) writer.append(echoPacket(PEER, SYSTEM, pattern(32 + i)));
  return Buffer.from(writer.finish());
}

function packetsOf(bundles: Uint8Array): Uint8Array[] {
  const reader = new BundleReader();
  reader.reset(bundles);
  const packets: Uint8Array[] = [];
  while (reader.next()) packets.push(reader.packet());
  return packets;
}

describe('typetun device on a host', () => {
  let host: RealHost;
  const folder = mkdtempSync(join(tmpdir(), 'typetun-device-'));

  before(async () => {
    host = await startHost();
    await host.create({ name: 'demo', addresses: [`${SYSTEM}/24`] });
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Makes the system answer `count` pings as soon as the command has the device open. */
  async function answerTo(command: string, count: number): Promise<void> {
    await until(() =>
      host.host.adapters
        .find('demo')
        .clients.some(({ name, waitingReads }) => name === command && waitingReads > 0),
    );
    const { runDirectory } = host;
    await using device = await HostDevice.open('demo', { runDirectory });
    assert.equal(await device.write(pings(count)), count);
  }

  test('write gives the system the bundles on standard input, and says how many packets it took', async () => {
    const { code, stdout, stderr } = await host.typetun(['device', 'write', 'demo'], {
      input: pings(PINGS),
    });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /^typetun: demo: wrote 5 packets in 1 bundle \(\d+ B\)$/m);
  });

  test('write --json is one object with what was delivered: nothing while the adapter is paused', async () => {
    await host.host.call('adapter.pause', { adapter: 'demo' });
    const args = ['device', 'write', 'demo', '--json'];
    const { code, stdout } = await host.typetun(args, { input: pings(2) });
    await host.host.call('adapter.restart', { adapter: 'demo' });
    assert.equal(code, 0);
    const said = JSON.parse(stdout) as { via: string; written: Record<string, number> };
    assert.equal(said.via, 'host');
    const { bundles, packets, delivered } = said.written;
    assert.deepEqual([bundles, packets, delivered], [1, 2, 0]);
  });

  test('write takes the README form of padding, and more than a bundle can hold', async () => {
    const padded = Buffer.concat(
      packetsOf(pings(33)).map((packet) => {
        const writer = new BundleWriter();
        writer.append(packet);
        const block = Buffer.alloc(packet.length % 16 === 0 ? 16 : 0);
        return Buffer.concat([writer.finish(), block]);
      }),
    );
    const input = Buffer.concat(Array.from({ length: 10 }, () => padded));
    const args = ['device', 'write', 'demo', '--json'];
    const { stdout, stderr } = await host.typetun(args, { input });
    const { written } = JSON.parse(stdout) as { written: Record<string, number> };
    assert.deepEqual([written['packets'], written['delivered']], [330, 330], stderr);
    assert.ok(written['bundles']! >= 2);
  });

  test('write that a signal ends says what it wrote until then', async () => {
    const args = ['device', 'write', 'demo', '--json'];
    const { code, stdout } = await host.typetun(args, {
      input: pings(2),
      endless: true,
      onStart: (child) => {
        const written = (): boolean =>
          host.host.adapters
            .find('demo')
            .clients.some(
              ({ name, packetsWritten }) => name === 'typetun device write' && packetsWritten === 2,
            );
        void until(written).then(() => child.kill('SIGTERM'));
      },
    });
    assert.equal(code, 143);
    const { written } = JSON.parse(stdout) as { written: Record<string, number> };
    assert.deepEqual([written['packets'], written['delivered']], [2, 2]);
  });

  test('write waits for a program that gives packets one by one', async () => {
    const [first, second] = [pings(1).subarray(0, 20), pings(1).subarray(20)];
    const { code, stderr } = await host.typetun(['device', 'write', 'demo'], {
      input: first,
      endless: true,
      onStart: (child) => {
        setTimeout(() => child.stdin?.end(second), 100);
      },
    });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /wrote 1 packet in 1 bundle/);
  });

  test('read ends quietly when nobody reads on', async () => {
    const call = `${process.execPath} dist/cli/main.js device read demo --host ${host.runDirectory}`;
    const command = shell('sh', ['-c', `${call} | head -c 16`]);
    await answerTo('typetun device read', 1);
    const gone = until(() => host.host.adapters.find('demo').clients.length === 0);
    // Writing again is when it notices.
    const { runDirectory } = host;
    await using device = await HostDevice.open('demo', { runDirectory });
    const again = setInterval(() => void device.write(pings(1)).catch(() => undefined), 20);
    const { stderr } = await command.finally(() => clearInterval(again));
    await device.close();
    await gone;
    assert.doesNotMatch(stderr, /EPIPE|Error/);
  });

  const BROKEN: readonly (readonly [what: string, input: Buffer, message: RegExp])[] = [
    [
      'half a packet',
      pings(1).subarray(0, 40),
      /ends in the middle of a packet: the last 40 bytes/,
    ],
    ['a bare packet', Buffer.from(packetsOf(pings(1))[0]!), /at offset 0 .* no entry of a bundle/],
    ['a capture', Buffer.from([0x0a, 0x0d, 0x0d, 0x0a, ...Array(28).fill(0)]), /is a pcapng file/],
  ];
  for (const [what, input, message] of BROKEN) {
    test(`write refuses ${what} with status 1 and what would do`, async () => {
      const { code, stdout, stderr } = await host.typetun(['device', 'write', 'demo', '--json'], {
        input,
      });
      assert.equal(code, 1);
      const { ok, error } = JSON.parse(stdout) as { ok: boolean; error: { code: string } };
      assert.deepEqual([ok, error.code], [false, 'ERR_TUN_BUNDLE_INVALID']);
      assert.match(stderr, message);
    });
  }

  test('read writes bundles that can be read, as many packets as --count says', async () => {
    const args = ['device', 'read', 'demo', '--count', '3', '--json'];
    const command = host.typetun(args);
    await answerTo('typetun device read', PINGS);
    const { code, bytes, stderr } = await command;
    assert.equal(code, 0, stderr);
    const replies = packetsOf(bytes);
    assert.deepEqual(
      replies.map((packet) => [packet[20], packet.length]),
      [0, 1, 2].map((i) => [0, 60 + i]),
      'echo replies, in order',
    );
    const { read } = JSON.parse(stderr) as { read: Record<string, number> };
    assert.deepEqual([read['packets'], read['bytes']], [3, bytes.length]);
  });

  test('read --seconds ends in time and well, also when nothing came', async () => {
    const { code, bytes, stderr } = await host.typetun([
      'device',
      'read',
      'demo',
      '--seconds',
      '0.2',
    ]);
    assert.deepEqual([code, bytes.length], [0, 0]);
    assert.match(stderr, /demo: read 0 packets in 0 bundles/);
  });

  test('read ends with 128 and the number of the signal that ended it, and says what passed', async () => {
    const { code, stderr } = await host.typetun(['device', 'read', 'demo'], {
      onStart: (child) => {
        child.stdout?.once('data', () => child.kill('SIGTERM'));
        void answerTo('typetun device read', 1);
      },
    });
    assert.equal(code, 143);
    assert.match(stderr, /demo: read 1 packet in 1 bundle/);
  });

  test('read --format lines says of each packet who sent it to whom', async () => {
    const command = host.typetun(['device', 'read', 'demo', '--format', 'lines', '--count', '2']);
    await answerTo('typetun device read', 2);
    const { stdout } = await command;
    assert.equal(
      stdout.replace(/^[\d:.]+ /gm, ''),
      `out ${SYSTEM} > ${PEER}: icmp echo reply, 60 bytes\nout ${SYSTEM} > ${PEER}: icmp echo reply, 61 bytes\n`,
    );
  });

  test('read --format pcapng writes a capture, into a pipe or a file', async () => {
    const main = 'dist/cli/main.js';
    const call = `${process.execPath} ${main} device read demo --host ${host.runDirectory} --format pcapng --count 2`;
    for (const where of [`| cat > ${folder}/a.pcapng`, `> ${folder}/a.pcapng`]) {
      const command = shell('sh', ['-c', `${call} ${where}`]);
      await answerTo('typetun device read', 2);
      await command;
      const lengths: number[] = [];
      for await (const { originalBytes } of readCapture(`${folder}/a.pcapng`)) {
        lengths.push(originalBytes);
      }
      assert.deepEqual(lengths, [60, 61]);
    }
  });

  test('write --format pcapng writes the packets of a capture, and says what it left out', async () => {
    const file = join(folder, 'b.pcapng');
    const writer = await PcapngWriter.open(file);
    const bundle = pings(3);
    writer.record(bundle, bundle.length, false);
    await writer.close();
    const cut = await PcapngWriter.open(join(folder, 'cut.pcapng'), { snapLength: 30 });
    cut.record(bundle, bundle.length, false);
    await cut.close();
    for (const [name, packets, leftOut] of [
      ['b.pcapng', 3, 0],
      ['cut.pcapng', 0, 3],
    ] as const) {
      const { code, stdout, stderr } = await host.typetun(
        ['device', 'write', 'demo', '--format', 'pcapng', '--json'],
        { input: readFileSync(join(folder, name)) },
      );
      assert.equal(code, 0, stderr);
      const { written } = JSON.parse(stdout) as { written: Record<string, number> };
      assert.deepEqual(
        [written['packets'], written['delivered'], written['leftOut']],
        [packets, packets, leftOut],
      );
    }
  });

  test('write --format pcapng refuses what is no capture', async () => {
    const { code, stderr } = await host.typetun(['device', 'write', 'demo', '--format', 'pcapng'], {
      input: pings(1),
    });
    assert.equal(code, 1);
    assert.match(stderr, /\[ERR_TUN_CAPTURE_INVALID\]/);
  });

  test('open does both at once, and goes on when standard input has ended', async () => {
    const { code, bytes, stderr } = await host.typetun(
      ['device', 'open', 'demo', '--count', String(PINGS), '--json'],
      { input: pings(PINGS) },
    );
    assert.equal(code, 0, stderr);
    assert.equal(packetsOf(bytes).length, PINGS);
    const said = JSON.parse(stderr) as Record<'read' | 'written', Record<string, number>>;
    assert.deepEqual([said.read['packets'], said.written['delivered']], [PINGS, PINGS]);
  });

  test('open ends with what is wrong on standard input', async () => {
    const { code, stderr } = await host.typetun(['device', 'open', 'demo'], {
      input: Buffer.alloc(64),
    });
    assert.equal(code, 1);
    assert.match(stderr, /no entry of a bundle: its size would be 0/);
  });

  test('a device that is not there is status 1 and says which there are', async () => {
    const { code, stdout, stderr } = await host.typetun(['device', 'read', 'dmeo']);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /dmeo/);
    assert.match(stderr, /\[ERR_TUN_NOT_FOUND\]/);
  });
});
