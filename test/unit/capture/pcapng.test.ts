/** Capture files, read back block by block, and by tcpdump where it is installed. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isTunError, PcapngWriter, TunErrorCode } from 'typetun';
import { bundleOf } from '../../support/flow-packets.ts';
import { echoPacket, pattern, udpPacket } from '../../support/ip-packets.ts';

const folder = mkdtempSync(join(tmpdir(), 'typetun-pcapng-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Block {
  readonly type: number;
  readonly body: DataView;
}

interface Captured {
  readonly data: Uint8Array;
  readonly microseconds: number;
  readonly direction: number;
}

/** All blocks; fails when one does not end where it says. */
function blocksOf(file: string): Block[] {
  const bytes = readFileSync(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const blocks: Block[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    assert.equal(length % 4, 0);
    assert.equal(view.getUint32(at + length - 4, true), length);
    const body = new DataView(bytes.buffer, bytes.byteOffset + at + 8, length - 12);
    blocks.push({ type: view.getUint32(at, true), body });
    at += length;
  }
  return blocks;
}

function packetsOf(file: string): Captured[] {
  return blocksOf(file)
    .filter(({ type }) => type === 6)
    .map(({ body }) => {
      assert.equal(body.getUint32(0, true), 0, 'interface');
      const size = body.getUint32(12, true);
      assert.equal(body.getUint32(16, true), size, 'original length');
      const options = 20 + Math.ceil(size / 4) * 4;
      assert.equal(body.getUint16(options, true), 2, 'epb_flags');
      assert.equal(body.getUint16(options + 2, true), 4);
      assert.equal(body.getUint32(options + 8, true), 0, 'end of options');
      return {
        data: new Uint8Array(body.buffer, body.byteOffset + 20, size).slice(),
        microseconds: body.getUint32(4, true) * 2 ** 32 + body.getUint32(8, true),
        direction: body.getUint32(options + 4, true),
      };
    });
}

const ping = echoPacket('10.7.0.1', '10.7.0.2', pattern(9));
const pong = echoPacket('fd07::2', 'fd07::1', pattern(10), true);
const datagram = udpPacket('10.7.0.1', 4000, '10.7.0.2', 53, pattern(1400));

test('a file begins with a section and an interface of raw IP', async () => {
  const file = join(folder, 'empty.pcapng');
  const writer = await PcapngWriter.open(file, { interfaceName: 'tun0' });
  await writer.close();
  const [section, description, ...rest] = blocksOf(file);
  assert.equal(section!.type, 0x0a0d0d0a);
  assert.equal(section!.body.getUint32(0, true), 0x1a2b3c4d);
  assert.deepEqual([section!.body.getUint16(4, true), section!.body.getUint16(6, true)], [1, 0]);
  assert.equal(description!.type, 1);
  assert.equal(description!.body.getUint16(0, true), 101);
  assert.deepEqual(rest, []);
});

test('packets are there byte by byte, with time and direction', async () => {
  const file = join(folder, 'three.pcapng');
  const before = Date.now();
  const writer = await PcapngWriter.open(file);
  const bundle = bundleOf(ping, datagram);
  writer.record(bundle, bundle.length, true);
  const back = bundleOf(pong);
  writer.record(back, back.length, false);
  bundle.fill(0);
  await writer.close();
  await writer.close();
  assert.deepEqual(writer.statistics, { packets: 3, dropped: 0 });
  const found = packetsOf(file);
  assert.deepEqual(
    found.map(({ data }) => data),
    [ping, datagram, pong],
  );
  assert.deepEqual(
    found.map(({ direction }) => direction),
    [2, 2, 1],
  );
  for (const { microseconds } of found) {
    assert.ok(microseconds / 1000 > before - 1000 && microseconds / 1000 < Date.now() + 1000);
  }
});

test('what the disk is too slow for is dropped and counted, and the file stays whole', async () => {
  const file = join(folder, 'slow.pcapng');
  // Room for a few packets, and no turn of the event loop in which the disk could take any.
  const writer = await PcapngWriter.open(file, { bufferBytes: 16_384 });
  const bundle = bundleOf(datagram, datagram, datagram);
  for (let i = 0; i < 20; i++) writer.record(bundle, bundle.length, true);
  await writer.close();
  const { packets, dropped } = writer.statistics;
  assert.ok(dropped > 0);
  assert.equal(packets + dropped, 60);
  assert.equal(packetsOf(file).length, packets);
});

test('a full disk is told at the end, with what was lost; nothing throws before', async () => {
  const writer = await PcapngWriter.open('/dev/full').catch((error: unknown) => error);
  assert.ok(isTunError(writer, TunErrorCode.SYSCALL));
  assert.match(writer.message, /\/dev\/full cannot be written: ENOSPC.*give a path/);
});

test('a file that cannot be made is named', async () => {
  await assert.rejects(PcapngWriter.open(join(folder, 'no', 'such')), (error) => {
    assert.ok(isTunError(error, TunErrorCode.SYSCALL));
    assert.match(error.message, /no\/such cannot be written: ENOENT/);
    return true;
  });
});

function tcpdumpSkip(): string | false {
  try {
    execFileSync('tcpdump', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'needs the command "tcpdump" (package tcpdump)';
  }
}

test('tcpdump reads the file', { skip: tcpdumpSkip() }, async () => {
  const file = join(folder, 'tcpdump.pcapng');
  const writer = await PcapngWriter.open(file);
  const bundle = bundleOf(ping, pong, datagram);
  writer.record(bundle, bundle.length, true);
  await writer.close();
  const printed = execFileSync('tcpdump', ['-n', '-r', file], { encoding: 'utf8', stdio: 'pipe' });
  const lines = printed.trimEnd().split('\n');
  assert.match(lines[0]!, /10\.7\.0\.1 > 10\.7\.0\.2: ICMP echo request/);
  assert.match(lines[1]!, /fd07::2 > fd07::1: ICMP6, echo reply/);
  assert.match(lines[2]!, /10\.7\.0\.1\.4000 > 10\.7\.0\.2\.53/);
});
