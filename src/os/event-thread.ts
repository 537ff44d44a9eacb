/** The thread of event-watch.ts: waits in Windows, posts that there is something. */

import { parentPort, workerData } from 'node:worker_threads';
import { MAX_BLOCK_MS } from '../limits.ts';
import { BEGUN, type EventThreadData, EventWord, READY } from './event-watch.ts';
import { kernel32, WAIT_OBJECT_0 } from './win32.ts';

const shared = new BigUint64Array((workerData as EventThreadData).handles);
const { waitForAny, setEvent } = kernel32();
/** The event that ends the thread comes first, so that it is seen whatever else happens. */
const idle = new BigUint64Array([handle(EventWord.END), handle(EventWord.ARM)]);
const armedFor = new BigUint64Array([handle(EventWord.END), handle(EventWord.READY), 0n]);
const END = 0;
const SIGNAL = 2;
let armed = false;

function handle(word: number): bigint {
  return Atomics.load(shared, word);
}

/** The signal, once the others know that it is waited for: from then on it is not closed. */
function announcedSignal(): bigint {
  for (;;) {
    const signal = handle(EventWord.SIGNAL);
    Atomics.store(shared, EventWord.WAITING, signal);
    if (handle(EventWord.SIGNAL) === signal) return signal;
  }
}

/** One wait, then a turn of this thread's own loop, so that it can be terminated. */
function turn(): void {
  armedFor[SIGNAL] = armed ? announcedSignal() : 0n;
  const signalled = armedFor[SIGNAL] !== 0n;
  const handles = armed ? armedFor : idle;
  const count = armed && !signalled ? SIGNAL : handles.length;
  const which = waitForAny(count, handles, 0, MAX_BLOCK_MS) - WAIT_OBJECT_0;
  Atomics.store(shared, EventWord.WAITING, 0n);
  // Nothing else keeps this thread.
  if (which === END) return;
  if (which > END && which < count) {
    if (armed && which === SIGNAL) setEvent(Number(handle(EventWord.READY)));
    if (armed) parentPort?.postMessage(READY);
    armed = !armed;
  }
  setImmediate(turn);
}

parentPort?.postMessage(BEGUN);
turn();
