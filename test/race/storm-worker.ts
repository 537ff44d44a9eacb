/**
 * A thread of the storm: moves bundles from one adapter to another in a blocking loop, checks the
 * order of what it reads, and follows the commands of the main thread.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { Adapter, BundleReader } from 'typetun';
import { Command, type StormData, StormWord } from './storm-words.ts';

const { from, to, words: memory, command } = workerData as StormData;
const words = new Int32Array(memory);

/** iperf3's UDP header: seconds, microseconds, packet count, big-endian, behind IPv4 and UDP. */
const IPERF_COUNT = 28 + 8;
const LEAST_IPERF_BYTES: number = IPERF_COUNT + 4;
const UDP = 17;

const last = new Map<number, number>();

/** Datagrams of a flow come in the order of their numbers; those dropped in between are missing. */
function checkOrder(reader: BundleReader): void {
  const packet = reader.packet();
  if (packet[0] !== 0x45 || packet[9] !== UDP || packet.length < LEAST_IPERF_BYTES) return;
  const view = new DataView(packet.buffer, packet.byteOffset);
  const flow = view.getUint32(20);
  const number = view.getUint32(IPERF_COUNT);
  if (number < (last.get(flow) ?? 0)) Atomics.add(words, StormWord.DISORDER, 1);
  last.set(flow, number);
}

const source = await Adapter.attach(from);
const target = await Adapter.attach(to);
let reading = source.openDevice();
let writing = target.openDevice();
const buffer = new Uint8Array(reading.bundleBytes);
const reader = new BundleReader();
parentPort!.postMessage('attached');

function obey(): void {
  for (;;) {
    const wanted = Atomics.load(words, StormWord.COMMAND + command);
    if (wanted === Atomics.load(words, StormWord.DONE + command)) {
      if (wanted === Command.RUN) return;
    } else {
      if (wanted === Command.CLOSE) {
        void reading.close();
        void writing.close();
      } else if (reading.closed) {
        reading = source.openDevice();
        writing = target.openDevice();
      }
      Atomics.store(words, StormWord.DONE + command, wanted);
      Atomics.notify(words, StormWord.DONE + command);
      if (wanted === Command.RUN) return;
    }
    Atomics.wait(words, StormWord.COMMAND + command, wanted, 100);
  }
}

for (;;) {
  obey();
  Atomics.add(words, StormWord.TURNS + command, 1);
  const bundle = reading.readSync(buffer, { timeoutMs: 2 });
  if (bundle === null) continue;
  reader.reset(bundle.bytes);
  while (reader.next()) checkOrder(reader);
  writing.writeSync(bundle);
}
