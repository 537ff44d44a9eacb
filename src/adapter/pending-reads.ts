/**
 * Reads that wait for a packet: first in, first out over all handles of the adapter. Each completes
 * exactly once: with a bundle, or rejected as cancelled, aborted, or forced closed.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import type { Bundle } from './bundle.ts';

/** Stands for the handle a read belongs to. */
export type ReadOwner = object;

/** One waiting read. `buffer` is the caller's and is written only while the read completes. */
export class PendingRead {
  readonly owner: ReadOwner;
  readonly buffer: Uint8Array;
  /** Bytes of the buffer when the read began; another length means it was detached or resized. */
  readonly bufferBytes: number;
  readonly promise: Promise<Bundle>;
  readonly signal: AbortSignal | undefined;
  /** When it began to wait, as `performance.now()` has it. */
  readonly since: number = performance.now();
  #resolve!: (bundle: Bundle) => void;
  #reject!: (reason: unknown) => void;

  constructor(owner: ReadOwner, buffer: Uint8Array, signal: AbortSignal | undefined) {
    this.owner = owner;
    this.buffer = buffer;
    this.bufferBytes = buffer.length;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.signal = signal;
  }

  complete(bundle: Bundle): void {
    this.#resolve(bundle);
  }

  fail(reason: unknown): void {
    this.#reject(reason);
  }
}

/** The reads of one signal: a single listener for all, whose number a program may not foresee. */
interface SignalReads {
  readonly reads: Set<PendingRead>;
  readonly onAbort: () => void;
}

export class PendingReads {
  readonly #onChange: () => void;
  /** In the order in which they are answered: rarely more than a few. */
  #reads: PendingRead[] = [];
  readonly #signals = new Map<AbortSignal, SignalReads>();

  /** `onChange` is called when their number has changed. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get length(): number {
    return this.#reads.length;
  }

  /** The read that is answered next. */
  get first(): PendingRead | undefined {
    return this.#reads[0];
  }

  /** Queues a read behind all others. An abort of `signal` takes it out and rejects it alone. */
  add(owner: ReadOwner, buffer: Uint8Array, signal: AbortSignal | undefined): PendingRead {
    const read = new PendingRead(owner, buffer, signal);
    this.#reads.push(read);
    if (signal !== undefined) this.#readsOf(signal).add(read);
    this.#onChange();
    return read;
  }

  /** Takes the first read out; its taker completes it. */
  shift(): PendingRead | undefined {
    const read = this.#reads.shift();
    if (read !== undefined) this.#forget(read);
    this.#onChange();
    return read;
  }

  /** Completes every read of `owner` as cancelled: its handle is being closed. */
  cancel(owner: ReadOwner): void {
    this.#fail(
      this.#reads.filter((read) => read.owner === owner),
      () =>
        new TunError(
          TunErrorCode.CANCELLED,
          'the read was cancelled because its device handle was closed',
        ),
    );
  }

  /** Completes every read: the adapter is going away. */
  failAll(reason: () => unknown): void {
    this.#fail([...this.#reads], reason);
  }

  #fail(failed: readonly PendingRead[], reason: () => unknown): void {
    const gone = new Set(failed);
    this.#reads = this.#reads.filter((read) => !gone.has(read));
    for (const read of failed) this.#forget(read);
    this.#onChange();
    for (const read of failed) read.fail(reason());
  }

  #readsOf(signal: AbortSignal): Set<PendingRead> {
    const known = this.#signals.get(signal);
    if (known !== undefined) return known.reads;
    const reads = new Set<PendingRead>();
    const onAbort = (): void => this.#fail([...reads], () => signal.reason as unknown);
    this.#signals.set(signal, { reads, onAbort });
    signal.addEventListener('abort', onAbort, { once: true });
    return reads;
  }

  /** It waits no more: the last of its signal takes the listener along. */
  #forget(read: PendingRead): void {
    const { signal } = read;
    const ofSignal = signal === undefined ? undefined : this.#signals.get(signal);
    if (signal === undefined || ofSignal === undefined) return;
    ofSignal.reads.delete(read);
    if (ofSignal.reads.size > 0) return;
    this.#signals.delete(signal);
    signal.removeEventListener('abort', ofSignal.onAbort);
  }
}
