/** A thread that reads an adapter for `readers.ts`, when it is told to, and counts. */

import { parentPort, workerData } from 'node:worker_threads';
import { Adapter, type AdapterToken } from 'typetun';
import { Inspector } from '../forward.ts';
import { Mode, ReaderWord } from './reader-words.ts';

/** What the thread is started with. */
export interface ReaderData {
  readonly token: AdapterToken;
  /** See `reader-words.ts`. */
  readonly words: Int32Array;
}

/** A wait for a packet is no longer than this, in ms, so that the thread hears when to stop. */
const WAIT_MS = 20;

const { token, words } = workerData as ReaderData;
const device = (await Adapter.attach(token)).openDevice();
const buffer = device.createBuffer();
const inspector = new Inspector(false);

/** Reads until there is nothing more, or, while it is to wait for packets, until that changes. */
function read(mode: number): number {
  const wait = mode === Mode.LIVE;
  let packets = 0;
  for (;;) {
    const bundle = device.readSync(buffer, { timeoutMs: wait ? WAIT_MS : 0 });
    if (bundle !== null) {
      inspector.look(bundle);
      packets += bundle.count;
    }
    if (wait ? Atomics.load(words, ReaderWord.MODE) !== mode : bundle === null) return packets;
  }
}

parentPort?.postMessage('ready');
for (let turn = 0; ; turn++) {
  Atomics.wait(words, ReaderWord.TURN, turn);
  const mode = Atomics.load(words, ReaderWord.MODE);
  Atomics.add(words, ReaderWord.PACKETS, read(mode));
  Atomics.add(words, ReaderWord.DONE, 1);
  Atomics.notify(words, ReaderWord.DONE);
}
