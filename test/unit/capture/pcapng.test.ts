/** Capture files, read back block by block, and by tcpdump where it is installed. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { after, test } from 'node:test';
import { isTunError, PcapngWriter, TunErrorCode } from 'typetun';
import { bundleOf } from '../../support/flow-packets.ts';
import { echoPacket, pattern, udpPacket } from '../../support/ip-packets.ts';
import { blocksOf, optionsOf, packetsIn, statisticsIn, text } from '../../support/pcapng-blocks.ts';
import { toolSkip } from '../../support/root.ts';

const folder = mkdtempSync(join(tmpdir(), 'typetun-pcapng-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const ping = echoPacket('10.7.0.1', '10.7.0.2', pattern(9));
const pong = echoPacket('fd07::2', 'fd07::1', pattern(10), true);
const datagram = udpPacket('10.7.0.1', 4000, '10.7.0.2', 53, pattern(1400));

test('a file begins with a section and an interface of raw IP, and ends with counts', async () => {
  const file = join(folder, 'empty.pcapng');
  const writer = await PcapngWriter.open(file, {
    interfaceName: 'tun0',
    addresses: ['10.7.0.1/20', 'fd07::1/64'],
    snapLength: 96,
    filter: 'udp',
    comment: 'why',
  });
  await writer.close();
  const [section, description, statistics, ...rest] = blocksOf(readFileSync(file));
  assert.equal(section!.type, 0x0a0d0d0a);
  assert.equal(section!.body.getUint32(0, true), 0x1a2b3c4d);
  assert.deepEqual([section!.body.getUint16(4, true), section!.body.getUint16(6, true)], [1, 0]);
  const said = new Map(optionsOf(section!.body, 16));
  assert.match(text(said.get(4)), /^typetun \d/);
  assert.equal(text(said.get(1)), 'why');
  assert.equal(description!.type, 1);
  assert.equal(description!.body.getUint16(0, true), 101);
  assert.equal(description!.body.getUint32(4, true), 96);
  const options = new Map(optionsOf(description!.body, 8));
  assert.equal(text(options.get(2)), 'tun0');
  assert.deepEqual([...options.get(4)!], [10, 7, 0, 1, 255, 255, 240, 0]);
  assert.equal(options.get(5)!.at(-1), 64);
  assert.deepEqual([...options.get(9)!], [6]);
  assert.equal(text(options.get(11)), '\0udp');
  assert.equal(statistics!.type, 5);
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
  assert.deepEqual(writer.statistics, { packets: 3, dropped: 0, filtered: 0 });
  const found = packetsIn(readFileSync(file));
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

test('filter, direction and snapLength choose what is written, and the counts say so', async () => {
  const file = join(folder, 'chosen.pcapng');
  const options = { filter: 'udp or icmp6', direction: 'send', snapLength: 30 } as const;
  const writer = await PcapngWriter.open(file, options);
  const bundle = bundleOf(ping, datagram, pong);
  writer.record(bundle, bundle.length, true);
  writer.record(bundle, bundle.length, false);
  await writer.close();
  assert.deepEqual(writer.statistics, { packets: 2, dropped: 0, filtered: 1 });
  const bytes = readFileSync(file);
  assert.deepEqual(
    packetsIn(bytes).map(({ data, original }) => [data, original]),
    [
      [datagram.slice(0, 30), datagram.length],
      [pong.slice(0, 30), pong.length],
    ],
  );
  const { received, accepted, delivered, dropped } = statisticsIn(bytes);
  assert.deepEqual([received, accepted, delivered, dropped], [3, 2, 2, 0]);
});

test('what the disk is too slow for is dropped and counted, and the file stays whole', async () => {
  const file = join(folder, 'slow.pcapng');
  // Room for a few packets, and no turn of the event loop in which the disk could take any.
  const writer = await PcapngWriter.open(file, { bufferBytes: 16_384 });
  const bundle = bundleOf(datagram, datagram, datagram);
  for (let i = 0; i < 20; i++) writer.record(bundle, bundle.length, true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  writer.comment('after the gap');
  writer.record(bundle, bundle.length, true);
  await writer.close();
  const { packets, dropped } = writer.statistics;
  assert.ok(dropped > 0);
  assert.equal(packets + dropped, 63);
  const bytes = readFileSync(file);
  const found = packetsIn(bytes);
  assert.equal(found.length, packets);
  // The packet behind the gap says how many are missing, and the end says it again.
  assert.equal(
    found.reduce((sum, packet) => sum + packet.dropped, 0),
    dropped,
  );
  assert.deepEqual(
    found.filter(({ comments }) => comments.length > 0).map(({ comments }) => comments),
    [['after the gap']],
  );
  assert.equal(statisticsIn(bytes).dropped, dropped);
  assert.equal(statisticsIn(bytes).received, 63);
});

test('a bundle that lies about its sizes is recorded up to the lie', async () => {
  const file = join(folder, 'lie.pcapng');
  const writer = await PcapngWriter.open(file);
  for (const size of [0xffff_fff0, 0xffff_ffff, 5000]) {
    const bundle = bundleOf(ping, datagram);
    new DataView(bundle.buffer).setUint32(64, size, true);
    writer.record(bundle, bundle.length, true);
  }
  await writer.close();
  assert.deepEqual(
    packetsIn(readFileSync(file)).map(({ data }) => data),
    [ping, ping, ping],
  );
});

test('files are no larger than they may be, and each is whole by itself', async () => {
  const file = join(folder, 'row.pcapng');
  const rotateBytes = 130_000;
  const writer = await PcapngWriter.open(file, { rotateBytes });
  const bundle = bundleOf(...new Array<Uint8Array>(20).fill(datagram));
  for (let i = 0; i < 20; i++) {
    writer.record(bundle, bundle.length, true);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await writer.close();
  const files = [file];
  for (let i = 1; existsSync(join(folder, `row.${i}.pcapng`)); i++) {
    files.push(join(folder, `row.${i}.pcapng`));
  }
  assert.ok(files.length >= 5, `${files.length} files`);
  const contents = files.map((one) => readFileSync(one));
  const counts = contents.map((bytes) => packetsIn(bytes).length);
  assert.equal(
    counts.reduce((sum, one) => sum + one, 0),
    writer.statistics.packets,
  );
  for (const bytes of contents) {
    assert.ok(bytes.length <= rotateBytes, `${bytes.length} bytes`);
    assert.equal(blocksOf(bytes)[1]!.type, 1);
    statisticsIn(bytes);
  }
});

test('a stream gets the header at once, then packets as they come, and ends with the counts', async () => {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const writer = PcapngWriter.to(stream);
  await new Promise(setImmediate);
  assert.equal(blocksOf(Buffer.concat(chunks)).length, 2);
  const bundle = bundleOf(ping, pong);
  writer.record(bundle, bundle.length, false);
  await new Promise(setImmediate);
  assert.equal(packetsIn(Buffer.concat(chunks)).length, 2);
  await writer.close();
  assert.ok(stream.writableFinished);
  assert.equal(statisticsIn(Buffer.concat(chunks)).delivered, 2);
  assert.equal(await writer.done, undefined);
});

test('a Web stream is written as well', async () => {
  const chunks: Uint8Array[] = [];
  const stream = new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(chunk) });
  const writer = PcapngWriter.to(stream);
  const bundle = bundleOf(ping);
  writer.record(bundle, bundle.length, true);
  await writer.close();
  assert.deepEqual(
    packetsIn(Buffer.concat(chunks)).map(({ data }) => data),
    [ping],
  );
});

test('a stream that stalls holds nothing up, and keeps no more than the buffer', async () => {
  let held = 0;
  let release: () => void = () => undefined;
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      held += chunk.length;
      release = done;
    },
  });
  const writer = PcapngWriter.to(stream, { bufferBytes: 65_536, end: false });
  const bundle = bundleOf(datagram);
  for (let i = 0; i < 1000; i++) {
    writer.record(bundle, bundle.length, true);
    if (i % 100 === 0) await new Promise(setImmediate);
  }
  assert.ok(held < 65_536);
  const { packets, dropped } = writer.statistics;
  assert.equal(packets + dropped, 1000);
  assert.ok(dropped > 900);
  const closed = writer.close();
  const free = setInterval(() => release(), 1);
  await closed;
  clearInterval(free);
  assert.equal(stream.writableEnded, false);
});

test('a stream that fails ends the capture, says why, and throws nothing meanwhile', async () => {
  const stream = new Writable({
    write: (_chunk, _encoding, done) => done(new Error('no more')),
  });
  const writer = PcapngWriter.to(stream);
  const bundle = bundleOf(ping);
  writer.record(bundle, bundle.length, true);
  const failure = await writer.done;
  assert.ok(isTunError(failure, TunErrorCode.SYSCALL));
  assert.match(failure.message, /stream of the capture cannot be written: no more/);
  writer.record(bundle, bundle.length, true);
  assert.deepEqual(writer.statistics, { packets: 0, dropped: 2, filtered: 0 });
  await assert.rejects(writer.close(), failure);
});

const REFUSED: readonly (readonly [object, RegExp])[] = [
  [{ direction: 'up' }, /direction is "up"; give 'send' or 'receive'/],
  [{ snapLength: -1 }, /snapLength is -1; give a whole number/],
  [{ snapLength: 1.5 }, /snapLength is 1.5/],
  [{ bufferBytes: 10 }, /bufferBytes is 10; give a whole number of bytes from 4096/],
  [{ rotateBytes: 1000 }, /rotateBytes is 1000; give a whole number of bytes from 122880/],
  [{ filter: 'port http' }, /"http" at position 6 is where a port from 0 to 65535 belongs/],
  [{ addresses: ['10.7.0.1'] }, /has no prefix length/],
];

for (const [options, message] of REFUSED) {
  test(`refuses ${JSON.stringify(options)}`, async () => {
    const file = join(folder, 'refused.pcapng');
    await assert.rejects(PcapngWriter.open(file, options), message);
    assert.equal(existsSync(file), false);
  });
}

test('refuses to write to what is no stream', () => {
  assert.throws(
    () => PcapngWriter.to({} as Writable),
    /Writable of node:stream or a WritableStream/,
  );
});

test('a full disk is told when the file is made', async () => {
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

test('tcpdump reads the file', { skip: toolSkip('tcpdump') }, async () => {
  const file = join(folder, 'tcpdump.pcapng');
  const writer = await PcapngWriter.open(file, { filter: 'ip or ip6', comment: 'one' });
  const bundle = bundleOf(ping, pong, datagram);
  writer.comment('two');
  writer.record(bundle, bundle.length, true);
  await writer.close();
  const printed = execFileSync('tcpdump', ['-n', '-r', file], { encoding: 'utf8', stdio: 'pipe' });
  const lines = printed.trimEnd().split('\n');
  assert.match(lines[0]!, /10\.7\.0\.1 > 10\.7\.0\.2: ICMP echo request/);
  assert.match(lines[1]!, /fd07::2 > fd07::1: ICMP6, echo reply/);
  assert.match(lines[2]!, /10\.7\.0\.1\.4000 > 10\.7\.0\.2\.53/);
});

test('tshark and capinfos understand all of it', {
  skip: toolSkip('tshark', 'capinfos'),
}, async () => {
  const file = join(folder, 'tshark.pcapng');
  const writer = await PcapngWriter.open(file, {
    interfaceName: 'tun7',
    filter: 'not tcp',
    comment: 'all of it',
    snapLength: 200,
  });
  const bundle = bundleOf(ping, pong, datagram);
  writer.comment('the first');
  writer.noteLost(5);
  writer.record(bundle, bundle.length, true);
  await writer.close();
  const fields = ['frame.interface_name', 'frame.packet_flags', 'frame.comment', 'frame.len'];
  const args = ['-n', '-r', file, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  const printed = execFileSync('tshark', args, { encoding: 'utf8', stdio: 'pipe' });
  assert.deepEqual(
    printed
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')),
    [
      ['tun7', '0x00000002', 'the first', '37'],
      ['tun7', '0x00000002', '', '58'],
      ['tun7', '0x00000002', '', '1428'],
    ],
  );
  const about = execFileSync('capinfos', [file], { encoding: 'utf8', stdio: 'pipe' });
  assert.match(about, /Capture comment:\s+all of it/);
  assert.match(about, /Number of packets:\s+3/);
  assert.match(about, /Filter string = not tcp/);
  assert.match(about, /Number of stat entries = 1/);
});
