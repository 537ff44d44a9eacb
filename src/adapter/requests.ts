/**
 * Read requests and the event loop: answers waiting reads when packets come, and keeps the host's
 * queue empty when nobody waits (so that the drop policy is the adapter's and not the host's).
 *
 * A read that finds packets is answered at once. After a few of those in one turn of the event loop
 * the next waits for the following turn: a loop over a busy device would otherwise keep timers,
 * signals and other sockets waiting for ever.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import { MAX_BUNDLES_PER_TURN } from '../limits.ts';
import type { Link, LinkWatch } from '../link/link.ts';
import { Word } from '../sync/layout.ts';
import { park } from '../sync/wake.ts';
import type { Bundle } from './bundle.ts';
import type { DataPath } from './data-path.ts';
import { type PendingRead, PendingReads, type ReadOwner } from './pending-reads.ts';
import type { SharedAdapter } from './shared-adapter.ts';
import { Acceptance } from './state.ts';

export class Requests {
  readonly #shared: SharedAdapter;
  readonly #link: Link;
  readonly #path: DataPath;
  readonly #prefetch: boolean;
  readonly #onLinkClosed: () => void;
  readonly #reads = new PendingReads();
  readonly #watch: LinkWatch;
  #turnBudget = MAX_BUNDLES_PER_TURN;
  #turn: NodeJS.Immediate | undefined;
  #running = false;

  /** `onLinkClosed` is called when the host has removed the device; possibly more than once. */
  constructor(
    shared: SharedAdapter,
    link: Link,
    path: DataPath,
    prefetch: boolean,
    onLinkClosed: () => void,
  ) {
    this.#shared = shared;
    this.#link = link;
    this.#path = path;
    this.#prefetch = prefetch;
    this.#onLinkClosed = onLinkClosed;
    this.#watch = link.watch(() => this.#service());
  }

  /** Begins to serve the link. */
  start(): void {
    this.#running = true;
    this.#watch.start();
  }

  /** Stops serving; reads that wait go on waiting until they are failed. */
  stop(): void {
    this.#running = false;
    this.#watch.stop();
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  /** Queues a read, or answers it now. `buffer` is written only at the moment it is answered. */
  read(owner: ReadOwner, buffer: Uint8Array, signal: AbortSignal | undefined): Promise<Bundle> {
    if (this.#reads.length === 0 && this.#turnBudget > 0) {
      const bundle = this.#path.read(buffer);
      this.#checkLink();
      if (bundle !== undefined) {
        this.#turnBudget--;
        this.#nextTurn();
        return Promise.resolve(bundle);
      }
    }
    const read = this.#reads.add(owner, buffer, signal);
    if (this.#running) this.#watch.start();
    if (this.#turnBudget === 0) this.#nextTurn();
    return read.promise;
  }

  /**
   * Blocks the calling thread until a packet is there, at most `timeoutMs`; null when none came.
   * Reads that were queued before are answered first. `check` throws when the device is gone.
   */
  readSync(buffer: Uint8Array, timeoutMs: number, check: () => void): Bundle | null {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      check();
      const seen = Atomics.load(this.#shared.words, Word.CHANGES);
      this.#answerAll(Number.POSITIVE_INFINITY);
      if (this.#reads.length === 0) {
        const bundle = this.#path.read(buffer);
        if (bundle !== undefined) return bundle;
      }
      this.#checkLink();
      const left = deadline - performance.now();
      if (left <= 0) return null;
      this.#wait(seen, left);
    }
  }

  /** Completes every read of `owner` as cancelled. */
  cancel(owner: ReadOwner): void {
    this.#reads.cancel(owner);
  }

  /** Completes every read with an error. */
  failAll(reason: () => unknown): void {
    this.#reads.failAll(reason);
  }

  #wait(seen: number, timeoutMs: number): void {
    if (this.#shared.acceptance() === Acceptance.SUCCESS) {
      this.#link.wait(this.#shared.words, Word.CHANGES, seen, timeoutMs);
    } else {
      this.#path.discard();
      park(this.#shared.words, Word.CHANGES, seen, timeoutMs);
    }
  }

  /** Packets are there: the event loop says so, again and again until there are none. */
  #service(): void {
    if (!this.#running) return;
    if (this.#shared.acceptance() !== Acceptance.SUCCESS) {
      this.#path.discard();
    } else if (!this.#answerAll(MAX_BUNDLES_PER_TURN) && this.#reads.length === 0) {
      // Not in the same turn as an answer: its receiver most likely reads again, straight from the
      // link and without a copy.
      this.#drain();
    }
    this.#checkLink();
  }

  #drain(): void {
    if (!this.#prefetch) {
      this.#watch.stop();
      return;
    }
    for (let i = 0; i < MAX_BUNDLES_PER_TURN; i++) if (!this.#path.prefetch()) return;
  }

  /** Answers up to `most` reads; returns whether any was. */
  #answerAll(most: number): boolean {
    let answered = 0;
    while (answered < most) {
      const read = this.#reads.first;
      if (read === undefined || !this.#answer(read)) break;
      answered++;
    }
    return answered > 0;
  }

  /** Answers the first read if packets are there; returns whether it is done with. */
  #answer(read: PendingRead): boolean {
    if (read.buffer.byteLength !== read.bufferBytes) {
      this.#reads.shift();
      read.fail(
        new TunError(
          TunErrorCode.BUFFER_DETACHED,
          `the buffer of a waiting read had ${read.bufferBytes} bytes and now has ${read.buffer.byteLength}: it was transferred or resized; leave it alone until the read completes`,
        ),
      );
      return true;
    }
    const bundle = this.#path.read(read.buffer);
    if (bundle === undefined) return false;
    this.#reads.shift();
    read.complete(bundle);
    return true;
  }

  #nextTurn(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#turnBudget = MAX_BUNDLES_PER_TURN;
      if (this.#running && this.#reads.length > 0) this.#service();
    });
  }

  #checkLink(): void {
    if (this.#path.linkClosed) this.#onLinkClosed();
  }
}
