/**
 * Heap bytes per packet of the packet path, printed as JSON. A program of its own because it needs
 * `--expose-gc` and a young generation so large that nothing is collected while it measures.
 *
 * What a bundle costs (a promise, a result object) is allowed, so heap growth with few and with many
 * packets per bundle is compared: the slope is what a packet costs.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import {
  Adapter,
  type AdapterOptions,
  BundleReader,
  BundleWriter,
  PcapngWriter,
  swapAddresses,
} from 'typetun';
import { Direction, type FlowVerdict, PolicyFilter } from 'typetun/run';
import { MemoryHost } from 'typetun/testing';
import { DataPath } from '#dist/adapter/data-path.js';
import type { Tap } from '#dist/adapter/tap.js';
import { ENTRY_HEADER_BYTES, entryBytes } from '#dist/limits.js';
import { simdKernels } from '#dist/wire/kernels/kernels.js';
import { MERGE_CONSUMED, SUPER, WORK } from '#dist/wire/kernels/layout.js';
import { WORK_BYTES } from '../support/kernel-runs.ts';
import { packet } from '../support/packets.ts';
import { ScriptedLink } from '../support/scripted-link.ts';
import { superPacket, transportPacket } from '../support/transport-packets.ts';

const FEW = 8;
const MANY = 248;
/** What one read takes whatever the offload: a quarter of a bundle is kept for a super-packet. */
const BUNDLEFUL = 180;
const BUNDLES = 200;
const SAMPLES = 9;
const WARM_UP = 3000;
/** Rounds of the measurements that go through a device, and how often garbage is collected. */
const ROUNDS = 300;
const ROUNDS_PER_COLLECTION = 20;
const PACKET_BYTES = 1400;
/** Payload of each packet of a super-packet, so that the largest is within bounds. */
const SEGMENT_BYTES = 250;
const BUFFER_BYTES = 256 * 1424;
/** More than the C library ever takes from its own heap (mallopt(3), M_MMAP_THRESHOLD). */
const LARGE_BYTES = 64 * 2 ** 20;

const gc = globalThis.gc;
if (gc === undefined) throw new Error('run with --expose-gc');

/** Heap growth per call of `run(packets)`. */
function growth(run: (packets: number) => void, packets: number): number {
  gc!();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < BUNDLES; i++) run(packets);
  return (process.memoryUsage().heapUsed - before) / BUNDLES;
}

/**
 * Heap bytes a packet costs. Few and many packets take turns, so that the compiler's moods meet both
 * alike, and the least growth of each counts: what is left is not noise.
 */
function slope(run: (packets: number) => void): number {
  for (let i = 0; i < WARM_UP; i++) run(i % 2 === 0 ? FEW : MANY);
  let few = Number.POSITIVE_INFINITY;
  let many = Number.POSITIVE_INFINITY;
  for (let sample = 0; sample < SAMPLES; sample++) {
    few = Math.min(few, growth(run, FEW));
    many = Math.min(many, growth(run, MANY));
  }
  return (many - few) / (MANY - FEW);
}

/** An object per packet: what the measurement must see. */
function control(): number {
  const kept: unknown[] = new Array(MANY).fill(0);
  return slope((packets) => {
    for (let i = 0; i < packets; i++) kept[i] = { i, packets };
  });
}

/** Link to reader, reader to link, link to queue, queue to reader; with somebody who looks, if `tap` is one. */
function dataPath(tap?: Tap): number {
  const link = new ScriptedLink(packet(1, PACKET_BYTES));
  const shared = link.accept();
  const path = new DataPath(shared, link, () => undefined);
  path.tap = tap;
  const buffer = new Uint8Array(BUFFER_BYTES);
  return slope((packets) => {
    link.offer(packets);
    const bundle = path.read(buffer);
    path.write(buffer, bundle!.byteLength);
    link.offer(packets);
    while (path.prefetch());
    path.read(buffer);
  });
}

function codec(): number {
  const one = packet(1, PACKET_BYTES);
  const writer = new BundleWriter(new Uint8Array(BUFFER_BYTES));
  const reader = new BundleReader();
  return slope((packets) => {
    writer.reset();
    for (let i = 0; i < packets; i++) writer.append(one);
    reader.reset(writer.bytes, writer.length);
    while (reader.next()) swapAddresses(writer.bytes, reader.offset);
  });
}

/** Payload of packet `i`. Not those of one merged datagram, which would be written as one. */
function lengthOf(i: number): number {
  return PACKET_BYTES - 60 + 4 * (i % 16);
}

/** A policy's judgement of packets whose flows are known: allowed, rewritten, dropped, in both directions. */
function policy(): number {
  const fates: Record<number, FlowVerdict> = {
    1000: 'allow',
    1001: { rewrite: { destination: '10.9.0.9' } },
    1002: 'drop',
  };
  const filter = new PolicyFilter(
    { flow: ({ sourcePort }) => fates[sourcePort] ?? 'allow' },
    { mtu: PACKET_BYTES, onDue: () => undefined },
  );
  const packets = [0, 2, 4].map((flow) =>
    transportPacket({ version: 4, protocol: 'udp', flow, payload: [1, 2, 3, 4] }),
  );
  const writer = new BundleWriter(new Uint8Array(BUFFER_BYTES));
  return slope((count) => {
    writer.reset();
    for (let i = 0; i < count; i++) writer.append(packets[i % packets.length]!);
    filter.apply(writer.bytes, writer.length, Direction.OUT);
  });
}

/** Room for all packets of a measurement, cut to {@link CAPTURED_BYTES}: none is dropped. */
const CAPTURE_BYTES = 2 ** 28;
const CAPTURED_BYTES = 4;

/** Writing packets to a capture whose disk takes none of them, as long as there is room. */
async function capture(filter?: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-alloc-'));
  const file = await PcapngWriter.open(join(folder, 'x.pcapng'), {
    filter,
    snapLength: CAPTURED_BYTES,
    bufferBytes: CAPTURE_BYTES,
  });
  const writer = new BundleWriter(new Uint8Array(BUFFER_BYTES));
  const one = packet(1, PACKET_BYTES);
  const grown = slope((count) => {
    writer.reset();
    for (let i = 0; i < count; i++) writer.append(one);
    file.record(writer.bytes, writer.length, true);
  });
  requireWhole(file);
  await file.close();
  rmSync(folder, { recursive: true });
  return grown;
}

/** The data path with a capture on it, whose stream takes nothing. */
async function tapped(): Promise<number> {
  const writer = PcapngWriter.to(new Writable({ write: () => undefined }), {
    snapLength: CAPTURED_BYTES,
    bufferBytes: CAPTURE_BYTES,
  });
  const grown = dataPath({
    sent: (bytes, length) => writer.record(bytes, length, true),
    received: (bytes, index) => writer.recordIndexed(bytes, index, false),
    ended: () => undefined,
  });
  requireWhole(writer);
  return grown;
}

/** What is dropped costs less than what is written. */
function requireWhole({ statistics }: PcapngWriter): void {
  if (statistics.packets > 0 && statistics.dropped === 0) return;
  throw new Error(`${statistics.dropped} packets were dropped: give CAPTURE_BYTES more`);
}

/**
 * Reading and writing back through a device, per packet. What makes the host send is not measured:
 * it happens before. The least growth of many rounds counts.
 */
async function device(
  adapter: Adapter,
  send: (length: number) => unknown,
  createBuffer?: () => Uint8Array,
): Promise<number> {
  const handle = adapter.openDevice();
  const buffer = createBuffer?.() ?? handle.createBuffer(BUFFER_BYTES);
  const reader = new BundleReader({ carried: adapter.properties.offload === 'carry' });
  const round = async (packets: number): Promise<number> => {
    for (let i = 0; i < packets; i++) await send(lengthOf(i));
    const before = process.memoryUsage().heapUsed;
    let read = 0;
    while (read < packets) {
      const bundle = handle.readSync(buffer);
      if (bundle === null) return Number.POSITIVE_INFINITY;
      reader.reset(bundle.bytes);
      while (reader.next()) swapAddresses(buffer, reader.offset);
      handle.writeSync(bundle);
      read += bundle.count;
    }
    return process.memoryUsage().heapUsed - before;
  };
  let few = Number.POSITIVE_INFINITY;
  let many = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    if (i % ROUNDS_PER_COLLECTION === 0) gc!();
    few = Math.min(few, await round(FEW));
    many = Math.min(many, await round(BUNDLEFUL));
  }
  return (many - few) / (BUNDLEFUL - FEW);
}

async function memoryLink(): Promise<number> {
  const host = new MemoryHost({});
  await using adapter = await Adapter.create({ addresses: ['10.7.0.1/24'], link: host.provider() });
  const one = packet(1, PACKET_BYTES);
  return await device(adapter, () => host.send(one));
}

/** Splitting a super-packet, and merging the packets it becomes. */
function kernels(): number {
  const made = simdKernels(WORK_BYTES);
  const { tables } = made;
  const whole = superPacket(
    {
      version: 4,
      protocol: 'udp',
      flow: 0,
      payload: new Array<number>(MANY * SEGMENT_BYTES).fill(1),
    },
    SEGMENT_BYTES,
  );
  const packet = SUPER + ENTRY_HEADER_BYTES;
  const headers = whole.packet.length - MANY * SEGMENT_BYTES;
  tables.memory.set(whole.header, packet - whole.header.length);
  tables.memory.set(whole.packet, packet);
  for (let i = 0; i < MANY; i++) {
    tables.offsets[i] = ENTRY_HEADER_BYTES + i * entryBytes(headers + SEGMENT_BYTES);
    tables.lengths[i] = headers + SEGMENT_BYTES;
  }
  return slope((packets) => {
    made.split(packet, headers + packets * SEGMENT_BYTES, WORK, WORK_BYTES, MANY, 0);
    made.mergeReset();
    for (let at = 0; at < packets; at += tables.results[MERGE_CONSUMED]!) {
      made.merge(WORK, at, packets, true);
    }
  });
}

/** Over the kernel: that takes privileges. */
async function kernel(given: Pick<AdapterOptions, 'link' | 'offload'>): Promise<number> {
  const { createSocket } = await import('node:dgram');
  await using adapter = await Adapter.create({ addresses: ['10.7.0.1/24'], ...given });
  const socket = createSocket('udp4').bind(0, '10.7.0.1');
  await new Promise((resolve) => socket.once('listening', resolve));
  const data = Buffer.alloc(PACKET_BYTES);
  const send = (length: number): Promise<unknown> =>
    new Promise((resolve) => socket.send(data, 0, length, 9, '10.7.0.2', resolve));
  // Any other than the link's own costs two views for each 160 KiB that are copied. A large one is
  // mapped at an address that V8 has to box; one that the C library has at hand may not be.
  const large = (): Uint8Array => new Uint8Array(LARGE_BYTES).subarray(0, BUFFER_BYTES);
  const result = await device(adapter, send, given.offload === 'split' ? undefined : large);
  socket.close();
  return result;
}

const [link, offload] = process.argv.slice(2) as [
  NonNullable<AdapterOptions['link']>?,
  NonNullable<AdapterOptions['offload']>?,
];
const measured =
  link === undefined || offload === undefined
    ? {
        control: control(),
        dataPath: dataPath(),
        codec: codec(),
        memoryLink: await memoryLink(),
        kernels: kernels(),
        policy: policy(),
        capture: await capture(),
        filteredCapture: await capture('(ip or ip6) and not (udp port 53 or net 192.0.2.0/24)'),
        tapped: await tapped(),
      }
    : { kernel: await kernel({ link, offload }) };
console.log(JSON.stringify(measured));
