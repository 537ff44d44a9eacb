/** The inner loops by themselves, each next to its plain or naive twin. */

import { Writable } from 'node:stream';
import { Bench } from 'tinybench';
import { BundleReader, BundleWriter, checksum, PcapngWriter } from 'typetun';
import { DataPath } from '#dist/adapter/data-path.js';
import type { Tap } from '#dist/adapter/tap.js';
import { ENTRY_HEADER_BYTES, entryBytes } from '#dist/limits.js';
import { Company } from '#dist/sync/company.js';
import { QUEUE_START_BYTES, Word } from '#dist/sync/layout.js';
import { Mutex } from '#dist/sync/mutex.js';
import { PacketQueue } from '#dist/sync/packet-queue.js';
import { createPacketQueueMemory } from '#dist/sync/queue-layout.js';
import { TransitionLock } from '#dist/sync/transition-lock.js';
import { writeEntryHeader, writeEntryTail } from '#dist/wire/bundle.js';
import { type Kernels, plainKernels, simdKernels } from '#dist/wire/kernels/kernels.js';
import { MERGE_CONSUMED, SUPER, WORK } from '#dist/wire/kernels/layout.js';
import { naiveDecode, naiveEncode } from '../../test/reference/bundle.ts';
import { naiveChecksum } from '../../test/reference/checksum.ts';
import { NaivePacketQueue } from '../../test/reference/packet-queue.ts';
import { packet } from '../../test/support/packets.ts';
import { ScriptedLink } from '../../test/support/scripted-link.ts';
import { superPacket } from '../../test/support/transport-packets.ts';
import type { Measure } from '../report/result.ts';
import type { Run } from './run.ts';

const WORK_BYTES = 0x60000;
const PACKET_BYTES = 1460;
/** Packets of the largest super-packet an Ethernet-sized MTU makes. */
const SEGMENTS = 42;
const BUNDLE_PACKETS = 256;
const QUEUE_BYTES = 1 << 20;
const LOCK_ROUNDS = 1000;
const SMALL_PACKET_BYTES = 64;
const FULL_MS = 300;
const QUICK_MS = 60;
const NS_PER_MS = 1e6;

/** Something to be done `operations` times over in one call. */
interface Case {
  readonly id: string;
  readonly title: string;
  readonly operations: number;
  run(): void;
}

interface Group {
  readonly measure: Measure;
  readonly cases: readonly Case[];
}

export async function micro(run: Run): Promise<void> {
  for (let round = 0; round < run.rounds; round++) {
    for (const { measure, cases } of GROUPS) {
      run.say(`round ${round + 1} of ${run.rounds}: ${measure.title}`);
      const bench = new Bench({ time: run.quick ? QUICK_MS : FULL_MS });
      for (const { id, run: once } of cases) bench.add(id, once);
      await bench.run();
      for (const one of cases) {
        const result = bench.getTask(one.id)!.result;
        if (result.state !== 'completed')
          throw new Error(`${measure.title}, ${one.title}: ${result.state}`);
        run.samples.add(one, measure, (result.latency.p50 * NS_PER_MS) / one.operations);
      }
    }
  }
}

function group(id: string, title: string, cases: readonly Case[]): Group {
  return { measure: { id: `micro-${id}`, title, unit: 'ns', better: 'less' }, cases };
}

function checksums(): Group {
  const bytes = packet(1, PACKET_BYTES);
  const numbers = [...bytes];
  return group('checksum', `checksum of ${PACKET_BYTES} bytes`, [
    {
      id: 'plain',
      title: 'typetun, plain',
      operations: 1,
      run: () => void checksum(bytes, 0, PACKET_BYTES),
    },
    { id: 'naive', title: 'naive', operations: 1, run: () => void naiveChecksum(numbers) },
  ]);
}

/** A super-packet in the kernels' memory, and how long it is. */
function loaded(kernels: Kernels): number {
  const { header, packet: bytes } = superPacket(
    {
      version: 4,
      protocol: 'tcp',
      flow: 0,
      payload: new Array<number>(SEGMENTS * PACKET_BYTES).fill(1),
    },
    PACKET_BYTES,
  );
  kernels.tables.memory.set(header, PACKET - header.length);
  kernels.tables.memory.set(bytes, PACKET);
  return bytes.length;
}

const PACKET = SUPER + ENTRY_HEADER_BYTES;
const KERNELS: readonly (readonly [Kernels, string])[] = [
  [simdKernels(WORK_BYTES), 'typetun, WebAssembly SIMD'],
  [plainKernels(WORK_BYTES), 'typetun, plain'],
];

function splits(): Group {
  return group(
    'split',
    'one packet of a super-packet split',
    KERNELS.map(([kernels, title]) => {
      const length = loaded(kernels);
      return {
        id: kernels.kind,
        title,
        operations: SEGMENTS,
        run: () => void kernels.split(PACKET, length, WORK, WORK_BYTES, BUNDLE_PACKETS, 0),
      };
    }),
  );
}

function merges(): Group {
  return group(
    'merge',
    'one packet merged, its checksum verified',
    KERNELS.map(([kernels, title]) => {
      const length = loaded(kernels);
      const { tables } = kernels;
      const headers = length - SEGMENTS * PACKET_BYTES;
      for (let i = 0; i < SEGMENTS; i++) {
        tables.offsets[i] = ENTRY_HEADER_BYTES + i * entryBytes(headers + PACKET_BYTES);
        tables.lengths[i] = headers + PACKET_BYTES;
      }
      return {
        id: kernels.kind,
        title,
        operations: SEGMENTS,
        run: () => {
          // Merging writes the header of the first: it has to be split anew.
          kernels.split(PACKET, length, WORK, WORK_BYTES, BUNDLE_PACKETS, 0);
          kernels.mergeReset();
          for (let at = 0; at < SEGMENTS; at += tables.results[MERGE_CONSUMED]!) {
            kernels.merge(WORK, at, SEGMENTS, true);
          }
        },
      };
    }),
  );
}

function codecs(): Group {
  const one = packet(1, PACKET_BYTES);
  const many = new Array<Uint8Array>(BUNDLE_PACKETS).fill(one);
  const writer = new BundleWriter(new Uint8Array(BUNDLE_PACKETS * entryBytes(PACKET_BYTES)));
  const reader = new BundleReader();
  return group('codec', `one packet of ${PACKET_BYTES} bytes written to a bundle and read`, [
    {
      id: 'plain',
      title: 'typetun',
      operations: BUNDLE_PACKETS,
      run: () => {
        writer.reset();
        for (const bytes of many) writer.append(bytes);
        reader.reset(writer.bytes, writer.length);
        while (reader.next());
      },
    },
    {
      id: 'naive',
      title: 'naive',
      operations: BUNDLE_PACKETS,
      run: () => void naiveDecode(naiveEncode(many)),
    },
  ]);
}

function locks(): Group {
  const words = new Int32Array(new SharedArrayBuffer(QUEUE_START_BYTES));
  const liveness = { isAlive: () => true };
  Atomics.store(words, Word.PARTICIPANTS, 1);
  const lock = new TransitionLock(words, 0, liveness, new Company(false));
  const mutex = new Mutex(words, Word.CONTROL, 0, liveness);
  const repeat = (id: string, title: string, once: () => void): Case => ({
    id,
    title,
    operations: LOCK_ROUNDS,
    run: () => {
      for (let i = 0; i < LOCK_ROUNDS; i++) once();
    },
  });
  return group('lock', 'taking and giving back a lock that nobody else wants', [
    repeat('transition', 'TransitionLock, shared', () => {
      lock.enterShared();
      lock.leaveShared();
    }),
    repeat('mutex', 'mutex', () => {
      mutex.lock();
      mutex.unlock();
    }),
  ]);
}

function queues(): Group {
  const length = PACKET_BYTES;
  const entry = new Uint8Array(entryBytes(length));
  writeEntryHeader(entry, 0, length);
  entry.set(packet(1, length), ENTRY_HEADER_BYTES);
  writeEntryTail(entry, 0, length);
  const options = { maxPackets: BUNDLE_PACKETS, policy: 'drop-oldest' } as const;
  const queue = new PacketQueue(createPacketQueueMemory(BUNDLE_PACKETS, QUEUE_BYTES), options);
  queue.growTo(QUEUE_BYTES);
  const target = new Uint8Array(BUNDLE_PACKETS * entry.byteLength);
  const result = { packets: 0, octets: 0 };
  const naive = new NaivePacketQueue(BUNDLE_PACKETS, QUEUE_BYTES, 'drop-oldest');
  const numbers = [...packet(1, length)];
  return group('queue', `one packet of ${PACKET_BYTES} bytes through the queue`, [
    {
      id: 'plain',
      title: 'typetun, shared memory',
      operations: BUNDLE_PACKETS,
      run: () => {
        for (let i = 0; i < BUNDLE_PACKETS; i++) queue.push(entry, 0, length);
        queue.take(target, 0, BUNDLE_PACKETS, result);
      },
    },
    {
      id: 'naive',
      title: 'naive: an array, nothing copied',
      operations: BUNDLE_PACKETS,
      run: () => {
        for (let i = 0; i < BUNDLE_PACKETS; i++) naive.push(numbers);
        naive.take(QUEUE_BYTES, BUNDLE_PACKETS);
      },
    },
  ]);
}

/** A bundle through the adapter, both ways, over a link that costs next to nothing. */
function taps(): Group {
  const looking = (id: string, title: string, tap: Tap | undefined): Case => {
    const link = new ScriptedLink(packet(1, SMALL_PACKET_BYTES));
    const path = new DataPath(link.accept(), link, () => undefined);
    path.tap = tap;
    const buffer = new Uint8Array(BUNDLE_PACKETS * entryBytes(SMALL_PACKET_BYTES));
    return {
      id,
      title,
      operations: 2 * BUNDLE_PACKETS,
      run: () => {
        link.offer(BUNDLE_PACKETS);
        path.write(buffer, path.read(buffer)!.byteLength);
      },
    };
  };
  const nothing = (): void => undefined;
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
  const writer = PcapngWriter.to(stream, { filter: 'tcp port 1' });
  const filtering: Tap = {
    sent: (bytes, length) => writer.record(bytes, length, true),
    received: (bytes, index) => writer.recordIndexed(bytes, index, false),
    ended: nothing,
  };
  return group(
    'tap',
    `one packet of ${SMALL_PACKET_BYTES} bytes read or written while somebody looks`,
    [
      looking('off', 'nobody looks', undefined),
      looking('empty', 'somebody looks and does nothing', {
        sent: nothing,
        received: nothing,
        ended: nothing,
      }),
      looking('filtered', 'a capture whose filter lets nothing through', filtering),
    ],
  );
}

const GROUPS: readonly Group[] = [
  checksums(),
  splits(),
  merges(),
  codecs(),
  locks(),
  queues(),
  taps(),
];
