/**
 * How much several threads read from one adapter, `readers.js NETNS OFFLOAD JOB`: out of the kernel's
 * queue, which was filled before, and while the main thread fills it as fast as it can. Prints a
 * `ReadersResult` as JSON.
 */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Offload } from 'typetun';
import { bundleOf, openLoop } from './loop.ts';
import type { ReaderData } from './reader.ts';
import { Mode, READER_BYTES, ReaderWord } from './reader-words.ts';

export interface ReadersJob {
  readonly threads: number;
  /** Hardware queues of the adapter. */
  readonly queues: number;
  /** How often the queue is filled and emptied. */
  readonly drains: number;
  /** How long packets come while they are read. */
  readonly ms: number;
}

export interface ReadersResult {
  /** Packets in a second out of a queue that was filled before. */
  readonly drain: number;
  /** Packets in a second while others come in. */
  readonly live: number;
}

const MTU = 1500;
const PACKET_BYTES = 64;
/** So many flows that each of 8 queues gets its share of them. */
const BUNDLES = 16;
const BUNDLE_PACKETS = 256;
/** Bundles that wait before the threads begin: some 20 ms of work. */
const FILL_BUNDLES = 64;
const FILL_PACKETS = FILL_BUNDLES * BUNDLE_PACKETS;
const MS_PER_SECOND = 1000;
/** Carrier is noticed at the latest after a second. */
const CARRIER_MS = 2000;
/** All packets of a fill might be of one queue. */
const QUEUE_LENGTH = FILL_PACKETS;

const [, , netns = '', offload = 'off', jobText = '{}'] = process.argv;
const { threads, queues, drains, ms } = JSON.parse(jobText) as ReadersJob;
const { input, output } = await openLoop(
  { netns, offload: offload as Offload, mtu: MTU },
  { queues, hostQueueLength: QUEUE_LENGTH },
);
const into = input.openDevice();
const bundles = Array.from({ length: BUNDLES }, (_, k) =>
  bundleOf(into, BUNDLE_PACKETS, PACKET_BYTES, (i) => k * BUNDLE_PACKETS + i),
);
const words = new Int32Array(new SharedArrayBuffer(READER_BYTES));
await Promise.all(Array.from({ length: threads }, startReader));

async function startReader(): Promise<void> {
  const { token, transfer } = output.share();
  const workerData: ReaderData = { token, words };
  const url = new URL('./reader.js', import.meta.url);
  await once(new Worker(url, { workerData, transferList: [...transfer] }), 'message');
}

/** Lets all threads go. */
function go(mode: number): void {
  Atomics.store(words, ReaderWord.DONE, 0);
  Atomics.store(words, ReaderWord.PACKETS, 0);
  Atomics.store(words, ReaderWord.MODE, mode);
  Atomics.add(words, ReaderWord.TURN, 1);
  Atomics.notify(words, ReaderWord.TURN);
}

/** Waits until all have done it; returns the packets. */
function finished(): number {
  for (;;) {
    const done = Atomics.load(words, ReaderWord.DONE);
    if (done === threads) return Atomics.load(words, ReaderWord.PACKETS);
    Atomics.wait(words, ReaderWord.DONE, done);
  }
}

/** Fills the queue and empties it: packets, and how long that took in ms. */
function fillAndRead(): [packets: number, ms: number] {
  for (let i = 0; i < FILL_BUNDLES; i++) into.writeSync(bundles[i % BUNDLES]!);
  const start = performance.now();
  go(Mode.DRAIN);
  return [finished(), performance.now() - start];
}

/** Packets in a ms out of a full queue. */
function drain(): number {
  const [packets, took] = fillAndRead();
  if (packets !== FILL_PACKETS) throw new Error(`${packets} of ${FILL_PACKETS} packets were read`);
  return packets / took;
}

/**
 * Until a fill arrives whole: the threads have only just connected the media, and the kernel drops what
 * it forwards until a thread of its own has seen the carrier.
 */
function warmUp(): void {
  const deadline = performance.now() + CARRIER_MS;
  while (fillAndRead()[0] < FILL_PACKETS) {
    if (performance.now() > deadline)
      throw new Error('the kernel does not forward all it is given');
  }
}

/** Packets in a ms while the queue is filled. */
function live(): number {
  const start = performance.now();
  go(Mode.LIVE);
  for (let i = 0; performance.now() < start + ms; i++) into.writeSync(bundles[i % BUNDLES]!);
  Atomics.store(words, ReaderWord.MODE, Mode.STOP);
  return finished() / (performance.now() - start);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

warmUp();
const drained = Array.from({ length: drains }, drain);
const result: ReadersResult = {
  drain: median(drained) * MS_PER_SECOND,
  live: live() * MS_PER_SECOND,
};
console.log(JSON.stringify(result));
process.exit();
