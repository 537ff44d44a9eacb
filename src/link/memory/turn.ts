/**
 * "On the next turn of the event loop", without keeping the loop alive.
 *
 * `setImmediate(...).unref()` alone does not do: a loop whose only immediate is unreferenced goes to
 * sleep in its poll phase until something else happens, and a packet would wait for seconds. So the
 * poll is woken by a message on an unreferenced port, whose listener does nothing; the immediate
 * then runs in the check phase of that same turn. About 7 us a turn, one channel for the thread.
 */

import { MessageChannel, type MessagePort } from 'node:worker_threads';

let waker: MessagePort | undefined;

function wakeLoop(): void {
  waker ??= openWaker();
  waker.postMessage(undefined);
}

function openWaker(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', () => undefined);
  port1.unref();
  port2.unref();
  return port2;
}

/** One callback that can be asked for again and again. */
export class Turn {
  readonly #callback: () => void;
  readonly #run = (): void => {
    this.#immediate = undefined;
    this.#callback();
  };
  #immediate: NodeJS.Immediate | undefined;

  constructor(callback: () => void) {
    this.#callback = callback;
  }

  /** The callback will be called once, from the event loop. Asking again before that is free. */
  request(): void {
    if (this.#immediate !== undefined) return;
    this.#immediate = setImmediate(this.#run);
    this.#immediate.unref();
    wakeLoop();
  }

  /** The callback will not be called until asked for again. */
  cancel(): void {
    if (this.#immediate === undefined) return;
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
  }
}
