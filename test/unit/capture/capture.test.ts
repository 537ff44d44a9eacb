/** Captures, traces and faults of adapters in process, over the in-process link. */

import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import {
  Adapter,
  type AdapterStatistics,
  type CaptureOptions,
  capture,
  isTunError,
  PcapngWriter,
  swapAddresses,
  type TraceEvent,
  TunErrorCode,
  trace,
} from 'typetun';
import { FaultInjector, MemoryHost, VirtualClock } from 'typetun/testing';
import { bundleOf } from '../../support/flow-packets.ts';
import { echoPacket, pattern, udpPacket } from '../../support/ip-packets.ts';
import { memoryAdapter } from '../../support/memory-adapter.ts';
import { packetsIn, statisticsIn } from '../../support/pcapng-blocks.ts';
import { startWorker } from '../../support/workers.ts';

/** A stream that keeps all it gets. */
function collector(): { stream: PassThrough; bytes: () => Buffer } {
  const chunks: Buffer[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream, bytes: () => Buffer.concat(chunks) };
}

function packetsOf({ out, in: into }: AdapterStatistics): [number, number] {
  return [out.unicastPackets + out.multicastPackets, into.unicastPackets + into.multicastPackets];
}

/** Sends packets from the host, reads and reflects them. */
async function reflect(host: MemoryHost, adapter: Adapter, packets: readonly Uint8Array[]) {
  await using device = adapter.openDevice();
  for (const packet of packets) assert.ok(host.send(packet));
  for (let left = packets.length; left > 0; ) {
    const bundle = device.readSync(undefined, { timeoutMs: 1000 })!;
    for (const packet of bundle) swapAddresses(packet, 0);
    device.writeSync(bundle);
    left -= bundle.count;
  }
}

const datagrams = Array.from({ length: 30 }, (_, i) =>
  udpPacket('10.7.0.1', 4000 + i, '10.7.0.2', 9, pattern(i)),
);

async function captured(options: CaptureOptions = {}) {
  await using made = await memoryAdapter();
  const { stream, bytes } = collector();
  const taking = capture(made.adapter, stream, options);
  await reflect(made.host, made.adapter, datagrams);
  await taking.close();
  return { bytes: bytes(), statistics: made.adapter.statistics };
}

test('a capture has what readers got and what writers gave, as many as the statistics count', async () => {
  const { bytes, statistics } = await captured();
  const found = packetsIn(bytes);
  const [out, into] = packetsOf(statistics);
  assert.equal(out, datagrams.length);
  assert.equal(found.filter(({ direction }) => direction === 2).length, out);
  assert.equal(found.filter(({ direction }) => direction === 1).length, into);
  assert.deepEqual(
    found.filter(({ direction }) => direction === 2).map(({ data }) => data),
    datagrams,
  );
  const { received, delivered, dropped, comments } = statisticsIn(bytes);
  assert.deepEqual([received, delivered, dropped], [out + into, out + into, 0]);
  assert.deepEqual(comments, ['the adapter dropped nothing meanwhile']);
});

test('direction, filter and snapLength choose', async () => {
  const { bytes } = await captured({
    direction: 'receive',
    filter: 'dst port 9 and less 40',
    snapLength: 24,
  });
  const found = packetsIn(bytes);
  assert.equal(found.length, 13);
  for (const { data, direction } of found) assert.deepEqual([data.length, direction], [24, 1]);
});

test('what the host refuses of a bundle is not captured as received', async () => {
  await using made = await memoryAdapter();
  await using device = made.adapter.openDevice();
  const { stream, bytes } = collector();
  const taking = capture(made.adapter, stream);
  // The in-process host queues 1000 packets until it gets its turn, and has none within a write.
  const bundle = bundleOf(...new Array<Uint8Array>(100).fill(datagrams[0]!));
  device.writeSync(bundle);
  await made.adapter.pause();
  assert.equal(device.writeSync(bundle), 0);
  await taking.close();
  const into = made.adapter.statistics.bundles.packetsWritten;
  assert.equal(packetsIn(bytes()).length, into);
  assert.match(statisticsIn(bytes()).comments[0]!, /100 received \(paused\)/);
});

test('a capture ends with its adapter, and writes its end', async () => {
  const made = await memoryAdapter();
  const { stream, bytes } = collector();
  const taking = capture(made.adapter, stream);
  await reflect(made.host, made.adapter, datagrams);
  await made.adapter.close();
  assert.equal(await taking.done, undefined);
  assert.equal(statisticsIn(bytes()).delivered, 2 * datagrams.length);
  assert.throws(
    () => capture(made.adapter, stream),
    (error) => isTunError(error, TunErrorCode.FORCED_CLOSED),
  );
});

test('two captures at once see the same, and one that is closed sees no more', async () => {
  await using made = await memoryAdapter();
  const [first, second] = [collector(), collector()];
  const one = capture(made.adapter, first.stream);
  const two = capture(made.adapter, second.stream, { filter: 'inbound' });
  await reflect(made.host, made.adapter, datagrams.slice(0, 3));
  await one.close();
  await reflect(made.host, made.adapter, datagrams.slice(0, 5));
  await two.close();
  assert.equal(packetsIn(first.bytes()).length, 6);
  assert.equal(packetsIn(second.bytes()).length, 8);
});

test('a stream that never takes anything holds no packet up', async () => {
  await using made = await memoryAdapter();
  const stream = new Writable({ write: () => undefined });
  const taking = capture(made.adapter, stream, { bufferBytes: 16_384 });
  for (let i = 0; i < 20; i++) await reflect(made.host, made.adapter, datagrams);
  const { packets, dropped } = taking.statistics;
  assert.equal(packets + dropped, 2 * 20 * datagrams.length);
  assert.ok(dropped > 0);
  assert.deepEqual(packetsOf(made.adapter.statistics), [600, 600]);
  stream.destroy();
  assert.ok(isTunError(await taking.done, TunErrorCode.SYSCALL));
});

test('a stream that fails ends the capture with the reason, and traffic goes on', async () => {
  await using made = await memoryAdapter();
  const stream = new Writable({
    write: (_chunk, _encoding, done) =>
      done(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })),
  });
  const taking = capture(made.adapter, stream);
  await reflect(made.host, made.adapter, datagrams);
  const failure = await taking.done;
  assert.match(failure!.message, /cannot be written: ENOSPC/);
  assert.equal(taking.failure, failure);
  await reflect(made.host, made.adapter, datagrams);
  assert.deepEqual(packetsOf(made.adapter.statistics), [60, 60]);
  await assert.rejects(taking.close(), failure);
});

test('a comment stands on the next packet', async () => {
  await using made = await memoryAdapter();
  const { stream, bytes } = collector();
  const taking = capture(made.adapter, stream, { comment: 'all' });
  taking.comment('here it begins');
  await reflect(made.host, made.adapter, datagrams.slice(0, 2));
  await taking.close();
  assert.deepEqual(
    packetsIn(bytes()).map(({ comments }) => comments),
    [['here it begins'], [], [], []],
  );
});

test('a writer of one file takes several adapters, and has its own options', async () => {
  await using one = await memoryAdapter();
  const { stream, bytes } = collector();
  const writer = PcapngWriter.to(stream, { interfaceName: 'mine', filter: 'outbound' });
  const taking = capture(one.adapter, writer);
  await reflect(one.host, one.adapter, datagrams.slice(0, 4));
  await taking.close();
  assert.equal(packetsIn(bytes()).length, 4);
});

test('a capture in a worker thread has what that thread reads and writes, and no other', async () => {
  await using made = await memoryAdapter();
  const { stream, bytes } = collector();
  const taking = capture(made.adapter, stream);
  const worker = await startWorker(made.adapter, 'captureOnce');
  made.host.send(datagrams[0]!);
  assert.deepEqual(await worker.next(), { packets: 2, dropped: 0, filtered: 0 });
  await taking.close();
  await worker.terminate();
  assert.equal(packetsIn(bytes()).length, 0);
});

test('refuses what is no adapter', () => {
  assert.throws(() => capture({} as Adapter, new PassThrough()), /captures are made of an Adapter/);
});

test('options that a writer has of its own are refused beside it', async () => {
  await using made = await memoryAdapter();
  const writer = PcapngWriter.to(new PassThrough().resume());
  assert.throws(
    () => capture(made.adapter, writer, { filter: 'udp' }),
    /filter belongs to the PcapngWriter/,
  );
  await capture(made.adapter, writer, { filter: undefined }).close();
});

test('a trace tells of each transition and each bundle, in order, until it is ended', async () => {
  const made = await memoryAdapter();
  const events: TraceEvent[] = [];
  const end = trace(made.adapter, (event) => void events.push(event));
  await reflect(made.host, made.adapter, datagrams.slice(0, 3));
  await made.adapter.pause();
  await made.adapter.close();
  end();
  const told = events.map((event) =>
    event.type === 'bundle'
      ? `${event.direction} ${event.packets} ${event.octets}`
      : event.type === 'state'
        ? event.state
        : event.type === 'media'
          ? event.media
          : event.type,
  );
  const octets = datagrams.slice(0, 3).reduce((sum, { length }) => sum + length, 0);
  assert.deepEqual(told.slice(0, 6), [
    'Connected',
    `send 3 ${octets}`,
    `receive 3 ${octets}`,
    'Disconnected',
    'Pausing',
    'Paused',
  ]);
  assert.ok(told.includes('ended'));
  for (let i = 1; i < events.length; i++) assert.ok(events[i]!.at >= events[i - 1]!.at);
});

test('a trace that was ended tells nothing', async () => {
  await using made = await memoryAdapter();
  const told: string[] = [];
  trace(made.adapter, ({ type }) => void told.push(type))();
  await reflect(made.host, made.adapter, datagrams.slice(0, 1));
  assert.deepEqual(told, []);
});

/** Which of 50 packets come through, and what the statistics say. */
async function throughFaults(seed: number) {
  const host = new MemoryHost({});
  await using adapter = await Adapter.create({ addresses: ['10.7.0.1/24'], link: host.provider() });
  const device = adapter.openDevice();
  const faults = new FaultInjector(device, {
    seed,
    faults: { send: { loss: 0.3, duplicate: 0.1, corrupt: 0.1 } },
  });
  for (let i = 0; i < 50; i++) host.send(echoPacket('10.7.0.1', '10.7.0.2', pattern(i)));
  const found: Uint8Array[] = [];
  setTimeout(() => void device.close(), 50);
  for await (const bundle of faults) for (const packet of bundle) found.push(packet.slice());
  return { found, statistics: faults.statistics };
}

test('faults lose, double and damage packets on their way to a program, by seed', async () => {
  const { found, statistics } = await throughFaults(7);
  const { offered, lost, duplicated, corrupted, passed } = statistics.send;
  assert.equal(offered, 50);
  assert.ok(lost > 0 && duplicated > 0 && corrupted > 0);
  assert.equal(found.length, passed);
  assert.equal(passed, offered - lost + duplicated);
  assert.deepEqual(await throughFaults(7), { found, statistics });
  assert.notDeepEqual((await throughFaults(8)).found, found);
});

test('faults delay what a program writes, and deliver it then', async () => {
  const clock = new VirtualClock();
  await using made = await memoryAdapter();
  await using device = made.adapter.openDevice();
  const faults = new FaultInjector(device, {
    clock,
    faults: { receive: { delayMs: 100, loss: 0.5 } },
    seed: 3,
  });
  assert.equal(faults.write(bundleOf(...datagrams)), 30);
  const written = (): number => made.adapter.statistics.bundles.packetsWritten;
  assert.equal(written(), 0);
  clock.advance(99);
  await Promise.resolve();
  assert.equal(written(), 0);
  clock.advance(1);
  await Promise.resolve();
  const { lost, passed } = faults.statistics.receive;
  assert.ok(lost > 0 && passed > 0);
  assert.equal(lost + passed, 30);
  assert.equal(written(), passed);
  assert.equal(faults.statistics.undelivered, 0);
});

test('what faults let through to a device that accepts nothing is counted', async () => {
  await using made = await memoryAdapter();
  const device = made.adapter.openDevice();
  const faults = new FaultInjector(device, { faults: {} });
  await device.close();
  assert.equal(faults.write(bundleOf(...datagrams)), 30);
  assert.equal(faults.statistics.undelivered, 30);
});

test('a loop over faults that is left leaves later packets to the device', async () => {
  await using made = await memoryAdapter();
  await using device = made.adapter.openDevice();
  const faults = new FaultInjector(device, { faults: {} });
  made.host.send(datagrams[0]!);
  for await (const bundle of faults) {
    assert.equal(bundle.count, 1);
    break;
  }
  made.host.send(datagrams[1]!);
  const bundle = await device.read();
  assert.equal(bundle.count, 1);
});

test('refuses faults that are none', async () => {
  await using made = await memoryAdapter();
  await using device = made.adapter.openDevice();
  assert.throws(
    () => new FaultInjector(device, { faults: { send: { loss: 2 } } }),
    /faults.send.loss is 2; it is a probability/,
  );
});
