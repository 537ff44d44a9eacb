/** Captures of the kernel's interfaces and adapters, by the command and in process, and a full disk. */

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  Adapter,
  type AdapterOptions,
  type AdapterStatistics,
  type Bundle,
  BundleWriter,
  capture,
  captureInterface,
  isTunError,
  PcapngWriter,
  swapAddresses,
  TunErrorCode,
} from 'typetun';
import { InterfaceSocket } from '#dist/os/interface-socket.js';
import { checksumsRight } from '../support/flow-packets.ts';
import { pattern, udpPacket } from '../support/ip-packets.ts';
import { packetsIn, statisticsIn } from '../support/pcapng-blocks.ts';
import { toolSkip } from '../support/root.ts';
import { transportPacket } from '../support/transport-packets.ts';
import { startCapture } from './support/capture-command.ts';
import { carrierSeen, ip, rootSkip, withNetns } from './support/netns.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'typetun-capture-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const options = { skip: rootSkip('ping') };
const NAME = 'capt0';

/** Runs `use` with a reflecting adapter at 10.7.0.1/24 and fd07::1/64 in a namespace of its own. */
async function withReflector(
  use: (netns: string, adapter: Adapter) => Promise<void>,
  adapterOptions: AdapterOptions = {},
): Promise<void> {
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({
      name: NAME,
      netns,
      addresses: ['10.7.0.1/24', 'fd07::1/64'],
      offload: 'off',
      ...adapterOptions,
    });
    const device = adapter.openDevice();
    const reflecting = (async () => {
      for await (const bundle of device) {
        for (const packet of bundle) swapAddresses(packet, 0);
        await device.write(bundle);
      }
    })();
    await carrierSeen(netns, NAME);
    await use(netns, adapter);
    await adapter.close();
    await reflecting;
  });
}

async function ping(netns: string, address: string, count: number): Promise<void> {
  const args = ['ping', '-c', String(count), '-i', '0.05', address];
  const { stdout } = await run('ip', ['netns', 'exec', netns, ...args]);
  assert.match(stdout, new RegExp(`${count} received`));
}

function packetsOf({ out, in: into }: AdapterStatistics): [number, number] {
  return [out.unicastPackets + out.multicastPackets, into.unicastPackets + into.multicastPackets];
}

test(
  'the command captures an adapter of another process, as many packets as its statistics count',
  options,
  async () => {
    await withReflector(async (netns, adapter) => {
      const file = join(folder, 'counts.pcapng');
      const [outBefore, inBefore] = packetsOf(adapter.statistics);
      const taking = await startCapture([NAME, '--netns', netns, '-w', file, '--json']);
      await ping(netns, '10.7.0.2', 5);
      await ping(netns, 'fd07::2', 5);
      assert.equal(await taking.stop(), 0, taking.stderr());
      const [out, into] = packetsOf(adapter.statistics);
      const report = JSON.parse(taking.stdout().toString()) as Record<string, unknown>;
      assert.deepEqual(report, { interface: NAME, file, packets: 40, dropped: 0, filtered: 0 });
      const bytes = readFileSync(file);
      const found = packetsIn(bytes);
      assert.equal(found.filter(({ direction }) => direction === 2).length, out - outBefore);
      assert.equal(found.filter(({ direction }) => direction === 1).length, into - inBefore);
      assert.equal(statisticsIn(bytes).received, 40);
      for (const { data } of found) assert.ok(checksumsRight(data));
      for (let i = 1; i < found.length; i++) {
        assert.ok(found[i]!.microseconds >= found[i - 1]!.microseconds);
      }
    });
  },
);

test('filter, direction, snaplen and count choose', options, async () => {
  await withReflector(async (netns) => {
    const args = [NAME, '--netns', netns, '-w', '-', '--count', '4', '--snaplen', '30'];
    const chosen = ['--filter', 'icmp and dst host 10.7.0.1', '--direction', 'receive'];
    const taking = await startCapture([...args, ...chosen]);
    await ping(netns, 'fd07::2', 2);
    await ping(netns, '10.7.0.2', 3);
    assert.equal(await taking.ended, 0);
    const found = packetsIn(taking.stdout());
    assert.equal(found.length, 4);
    for (const { data, original, direction } of found) {
      assert.deepEqual([data.length, original, direction], [30, 84, 1]);
    }
    assert.match(taking.stderr(), /4 packets captured, 4 did not pass the filter, 0 lost/);
  });
});

for (const [tool, command, shown] of [
  ['tcpdump', 'tcpdump -n -r -', /IP 10\.7\.0\.1 > 10\.7\.0\.2: ICMP echo request/g],
  ['tshark', 'tshark -n -r -', /10\.7\.0\.1 → 10\.7\.0\.2 .*ICMP.*\(ping\) request/g],
] as const) {
  test(`typetun capture -w - | ${command}`, {
    skip: rootSkip('ping') || toolSkip(tool),
  }, async () => {
    await withReflector(async (netns) => {
      const args = [NAME, '--netns', netns, '-w', '-', '--count', '12'];
      const taking = await startCapture(args, command);
      await ping(netns, '10.7.0.2', 3);
      assert.equal(await taking.ended, 0, taking.stderr());
      const printed = taking.stdout().toString();
      assert.equal(printed.trimEnd().split('\n').length, 12, printed);
      assert.equal([...printed.matchAll(shown)].length, 3, printed);
    });
  });
}

test('a reader that goes away ends the command quietly', options, async () => {
  await withReflector(async (netns) => {
    const taking = await startCapture([NAME, '--netns', netns, '-w', '-'], 'head -c 10');
    await ping(netns, '10.7.0.2', 5);
    assert.equal(await taking.ended, 0);
    assert.doesNotMatch(taking.stderr(), /EPIPE|Error/);
  });
});

test('without a file it prints a line for each packet', options, async () => {
  await withReflector(async (netns) => {
    const taking = await startCapture([NAME, '--netns', netns, '--count', '8']);
    await ping(netns, '10.7.0.2', 1);
    await ping(netns, 'fd07::2', 1);
    assert.equal(await taking.ended, 0);
    const lines = taking.stdout().toString().trimEnd().split('\n');
    assert.equal(lines.length, 8);
    assert.match(
      lines[0]!,
      /^\d\d:\d\d:\d\d\.\d{6} out 10\.7\.0\.1 > 10\.7\.0\.2: icmp echo request, 84 bytes$/,
    );
    assert.match(lines[1]!, /in {2}10\.7\.0\.2 > 10\.7\.0\.1: icmp echo request/);
    assert.match(lines[4]!, /out fd07::1 > fd07::2: icmp6 echo request, 104 bytes$/);
  });
});

test('the capture ends well when the interface goes, and says what it has', options, async () => {
  await withNetns(async (netns) => {
    const file = join(folder, 'gone.pcapng');
    const adapter = await Adapter.create({ name: NAME, netns, addresses: ['10.7.0.1/24'] });
    const taking = await startCapture([NAME, '--netns', netns, '-w', file]);
    await adapter.close();
    assert.equal(await taking.ended, 0);
    assert.equal(statisticsIn(readFileSync(file)).delivered, packetsIn(readFileSync(file)).length);
  });
});

test('an interface that is set down and up again is captured on', options, async () => {
  await withReflector(async (netns) => {
    const taking = await startCapture([NAME, '--netns', netns, '--count', '4', '--filter', 'icmp']);
    await ip('-n', netns, 'link', 'set', NAME, 'down');
    await ip('-n', netns, 'link', 'set', NAME, 'up');
    await carrierSeen(netns, NAME);
    await ping(netns, '10.7.0.2', 1);
    assert.equal(await taking.ended, 0);
    assert.equal(taking.stdout().toString().trimEnd().split('\n').length, 4);
  });
});

test('refuses an interface that is not there, and leaves the file alone', options, async () => {
  const file = join(folder, 'kept');
  execFileSync('sh', ['-c', `echo kept > ${file}`]);
  const taking = await startCapture(['nosuch0', '-w', file]);
  assert.equal(await taking.ended, 1);
  assert.match(
    taking.stderr(),
    /there is no interface "nosuch0"; "ip link" shows.*ERR_TUN_NOT_FOUND/,
  );
  assert.equal(readFileSync(file, 'utf8'), 'kept\n');
});

test('a normal user is told what it takes', options, async () => {
  const user = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath];
  const failed = await run('setpriv', [...user, 'dist/cli/main.js', 'capture', 'lo']).catch(
    (error: { stderr: string; code: number }) => error,
  );
  assert.match(
    failed.stderr,
    /"lo" may not be looked at: a packet socket is EPERM; run as root, or with CAP_NET_RAW/,
  );
});

test('a device name of the original finds its interface', options, async () => {
  const { stdout } = await run('cat', ['/sys/class/net/lo/ifindex']);
  for (const name of [`WINTUN${stdout.trim()}`, `\\\\.\\Device\\WINTUN${stdout.trim()}`]) {
    const taking = await startCapture([name, '--json']);
    assert.equal(await taking.stop(), 0);
    assert.match(taking.stdout().toString(), /"interface":"lo"/);
  }
});

test('what the kernel has no room for is counted, in the file as well', options, async () => {
  await withNetns(async (netns) => {
    await using adapter = await Adapter.create({ name: NAME, netns, addresses: ['10.7.0.1/24'] });
    await using _device = adapter.openDevice();
    const chunks: Buffer[] = [];
    const stream = new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk));
    const taking = captureInterface(NAME, stream, { netns, snapLength: 64 });
    const sender = InterfaceSocket.open(NAME, netns);
    const packet = udpPacket('10.7.0.1', 1, '10.7.0.2', 2, pattern(1400));
    // In one turn of the event loop, in which nothing is taken out of the socket.
    for (let i = 0; i < 60_000; i++) sender.send(packet);
    await sender.close();
    await taking.close();
    const { packets, dropped } = taking.statistics;
    assert.ok(dropped > 0 && packets > 0, `${packets} captured, ${dropped} lost`);
    const { received, osDropped, delivered } = statisticsIn(Buffer.concat(chunks));
    assert.deepEqual([received, osDropped, delivered], [packets + dropped, dropped, packets]);
  });
});

/** Runs `use` with a folder on a disk of 1 MiB. */
async function withSmallDisk(use: (disk: string) => Promise<void>): Promise<void> {
  const disk = mkdtempSync(join(tmpdir(), 'typetun-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
  try {
    await use(disk);
  } finally {
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true });
  }
}

async function sendDatagrams(netns: string, count: number): Promise<void> {
  const code = `
    const socket = require('node:dgram').createSocket('udp4');
    let left = ${count};
    const next = () => left-- > 0
      ? socket.send(Buffer.alloc(1200), 9, '10.7.0.2', () => setImmediate(next))
      : socket.close();
    next();`;
  await run('ip', ['netns', 'exec', netns, process.execPath, '-e', code]);
}

test('a full disk stops the capture with a message, and traffic goes on', options, async () => {
  await withReflector(async (netns, adapter) => {
    await withSmallDisk(async (disk) => {
      const file = join(disk, 'full.pcapng');
      const writer = await PcapngWriter.open(file);
      const taking = capture(adapter, writer);
      await sendDatagrams(netns, 2000);
      const failure = await taking.done;
      assert.ok(isTunError(failure, TunErrorCode.SYSCALL));
      assert.match(
        failure.message,
        /full.pcapng cannot be written: ENOSPC.*give a path where there is room/,
      );
      await assert.rejects(taking.close(), failure);
      const before = packetsOf(adapter.statistics);
      await ping(netns, '10.7.0.2', 3);
      assert.ok(packetsOf(adapter.statistics)[1] >= before[1] + 6);
      // What is there can be read: it ends with a whole block.
      assert.equal(packetsIn(readFileSync(file)).length, taking.statistics.packets);
      assert.ok(taking.statistics.packets > 100 && taking.statistics.dropped > 0);
    });
  });
});

test('the command says that the disk is full, and fails', options, async () => {
  await withReflector(async (netns) => {
    await withSmallDisk(async (disk) => {
      const taking = await startCapture([NAME, '--netns', netns, '-w', join(disk, 'full.pcapng')]);
      await sendDatagrams(netns, 2000);
      assert.equal(await taking.ended, 1);
      assert.match(taking.stderr(), /typetun: the capture stopped: .*ENOSPC/);
    });
  });
});

test('files of a row have their size, and all packets are in one of them', options, async () => {
  await withReflector(async (netns) => {
    const file = join(folder, 'row.pcapng');
    const args = [NAME, '--netns', netns, '-w', file, '--rotate', '200k', '--json'];
    const taking = await startCapture([...args, '--filter', 'udp']);
    await sendDatagrams(netns, 400);
    assert.equal(await taking.stop(), 0);
    const { packets } = JSON.parse(taking.stdout().toString()) as { packets: number };
    let found = 0;
    let files = 0;
    for (const name of execFileSync('ls', [folder], { encoding: 'utf8' }).split('\n')) {
      if (!/^row(?:\.\d+)?\.pcapng$/.test(name)) continue;
      const bytes = readFileSync(join(folder, name));
      assert.ok(bytes.length <= 200 * 1024);
      found += packetsIn(bytes).length;
      files++;
    }
    assert.ok(files > 3, `${files} files`);
    assert.equal(found, packets);
  });
});

for (const offload of ['split', 'carry', 'off'] as const) {
  test(
    `in process a capture has the packets as the program has them: ${offload}`,
    options,
    async () => {
      await withNetns(async (netns) => {
        await using adapter = await Adapter.create({
          ...{ name: NAME, netns, addresses: ['10.7.0.1/24'], offload },
        });
        const device = adapter.openDevice();
        await carrierSeen(netns, NAME);
        const chunks: Buffer[] = [];
        const stream = new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk));
        const taking = capture(adapter, stream);
        // Segments of one flow, which the link merges on their way to the host; and back from the host.
        const segments = Array.from({ length: 40 }, (_, i) =>
          transportPacket({
            ...{ version: 4, protocol: 'udp', flow: 1, payload: new Array<number>(1000).fill(i) },
          }),
        );
        const buffer = device.createBuffer();
        const bundle = new BundleWriter(buffer);
        for (const segment of segments) bundle.append(segment);
        assert.equal(device.writeSync(bundle), segments.length);
        void sendDatagrams(netns, 50);
        const read: Uint8Array[] = [];
        const reading = device.createBuffer();
        while (read.length < 50) {
          const got: Bundle | null = device.readSync(reading, { timeoutMs: 1000 });
          if (got === null) await delay(5);
          else for (const packet of got) read.push(packet.slice());
        }
        await taking.close();
        const found = packetsIn(Buffer.concat(chunks));
        assert.deepEqual(
          found.filter(({ direction }) => direction === 1).map(({ data }) => data),
          segments,
        );
        assert.deepEqual(
          found.filter(({ direction }) => direction === 2).map(({ data }) => data),
          read,
        );
        assert.deepEqual(packetsOf(adapter.statistics), [read.length, segments.length]);
      });
    },
  );
}
