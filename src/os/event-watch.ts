/**
 * Readiness of Windows events on this thread's event loop: a thread sits in `WaitForMultipleObjects`,
 * at most 100 ms at a time, and posts when there is something. It is armed again by the watching thread
 * after its callback, so it never runs ahead of it. Costs two thread hops per wake-up, not per packet.
 */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createEvent, kernel32 } from './win32.ts';
import { workerUrl } from './worker-url.ts';

/** Places of the handles in memory that is shared with the thread. 0 stands for no handle. */
export const EventWord = {
  /** Manual reset: set while something may be there. */
  READY: 0,
  /** Set by others, reset by whoever saw it: then READY is set, for all to see. */
  SIGNAL: 1,
  /** Auto reset: the thread is to wait for the others. */
  ARM: 2,
  /** Manual reset: the thread is to end. */
  END: 3,
  /** The signal that the thread waits for at this moment, or is about to. */
  WAITING: 4,
} as const;

const WORDS = 5;

/** What the thread is started with, and what it posts. */
export interface EventThreadData {
  readonly handles: SharedArrayBuffer;
}
export const BEGUN = 'begun';
export const READY = 'ready';

/** Watches one pair of events. The thread lives from the first `start` to `close`. */
export class EventWatch {
  readonly #handles = new BigUint64Array(
    new SharedArrayBuffer(WORDS * BigUint64Array.BYTES_PER_ELEMENT),
  );
  readonly #arm: number;
  readonly #end: number;
  #onReady: () => void = () => undefined;
  #thread: Worker | undefined;
  #started = false;
  #armed = false;
  #closing: Promise<void> | undefined;

  /** `ready` is a manual-reset event of the caller's, which outlives the watch. */
  constructor(ready: number) {
    this.#arm = createEvent(false);
    this.#end = createEvent(true);
    this.#set(EventWord.READY, ready);
    this.#set(EventWord.ARM, this.#arm);
    this.#set(EventWord.END, this.#end);
  }

  /** Sets which event signals; 0 for none. One that was set before has to be there while it {@link isUsed}. */
  set signal(event: number) {
    this.#set(EventWord.SIGNAL, event);
  }

  /** Whether the thread waits for the event, or may do so from now on. */
  isUsed(event: number): boolean {
    // In this order: the thread says what it waits for, and then looks whether that is still the signal.
    const signal = Atomics.load(this.#handles, EventWord.SIGNAL);
    return [signal, Atomics.load(this.#handles, EventWord.WAITING)].includes(BigInt(event));
  }

  /** Sets the function that is called. Stops what was started for the one before. */
  watch(onReady: () => void): { start(): void; stop(): void } {
    this.stop();
    const own = onReady;
    this.#onReady = own;
    return {
      start: () => {
        if (this.#onReady === own) this.#start();
      },
      stop: () => {
        if (this.#onReady === own) this.stop();
      },
    };
  }

  /** No callback after this returns. */
  stop(): void {
    this.#started = false;
  }

  /** Ends the thread; when it resolves nobody waits for the events. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  #start(): void {
    if (this.#started || this.#closing !== undefined) return;
    this.#started = true;
    this.#thread ??= this.#startThread();
    this.#armOnce();
  }

  #startThread(): Worker {
    const workerData: EventThreadData = { handles: this.#handles.buffer };
    // Without this process's arguments to Node: one like --input-type would stop the thread.
    const options = { workerData, execArgv: [] };
    const thread = new Worker(workerUrl('event-thread', import.meta.url), options);
    thread.on('message', (message: typeof BEGUN | typeof READY) => {
      if (message === READY) this.#fired();
      // It binds functions until then, which must not be interrupted (worker-poll.ts).
      else if (this.#closing === undefined) thread.unref();
    });
    return thread;
  }

  #fired(): void {
    this.#armed = false;
    if (!this.#started) return;
    this.#onReady();
    if (this.#started) this.#armOnce();
  }

  #armOnce(): void {
    if (this.#armed) return;
    this.#armed = true;
    kernel32().setEvent(this.#arm);
  }

  async #release(): Promise<void> {
    this.#started = false;
    if (this.#thread !== undefined) {
      this.#thread.ref();
      const over = once(this.#thread, 'exit');
      kernel32().setEvent(this.#end);
      await over;
    }
    kernel32().closeHandle(this.#arm);
    kernel32().closeHandle(this.#end);
  }

  #set(word: number, handle: number): void {
    Atomics.store(this.#handles, word, BigInt(handle));
  }
}
