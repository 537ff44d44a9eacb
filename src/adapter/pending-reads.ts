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
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  #resolve!: (bundle: Bundle) => void;
  #reject!: (reason: unknown) => void;

  constructor(
    owner: ReadOwner,
    buffer: Uint8Array,
    signal: AbortSignal | undefined,
    onAbort: (read: PendingRead) => void,
  ) {
    this.owner = owner;
    this.buffer = buffer;
    this.bufferBytes = buffer.byteLength;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#signal = signal;
    this.#onAbort = () => onAbort(this);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  complete(bundle: Bundle): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#resolve(bundle);
  }

  fail(reason: unknown): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#reject(reason);
  }
}

export class PendingReads {
  #reads: PendingRead[] = [];

  get length(): number {
    return this.#reads.length;
  }

  /** The read that is answered next. */
  get first(): PendingRead | undefined {
    return this.#reads[0];
  }

  /** Queues a read behind all others. An abort of `signal` takes it out and rejects it alone. */
  add(owner: ReadOwner, buffer: Uint8Array, signal: AbortSignal | undefined): PendingRead {
    const read = new PendingRead(owner, buffer, signal, (aborted) => {
      this.#remove(aborted);
      aborted.fail(signal?.reason);
    });
    this.#reads.push(read);
    return read;
  }

  /** Takes the first read out; its taker completes it. */
  shift(): PendingRead | undefined {
    return this.#reads.shift();
  }

  /** Completes every read of `owner` as cancelled: its handle is being closed. */
  cancel(owner: ReadOwner): void {
    this.#fail(
      (read) => read.owner === owner,
      () =>
        new TunError(
          TunErrorCode.CANCELLED,
          'the read was cancelled because its device handle was closed',
        ),
    );
  }

  /** Completes every read: the adapter is going away. */
  failAll(reason: () => unknown): void {
    this.#fail(() => true, reason);
  }

  #fail(which: (read: PendingRead) => boolean, reason: () => unknown): void {
    const failed = this.#reads.filter(which);
    this.#reads = this.#reads.filter((read) => !which(read));
    for (const read of failed) read.fail(reason());
  }

  #remove(read: PendingRead): void {
    this.#reads = this.#reads.filter((other) => other !== read);
  }
}
