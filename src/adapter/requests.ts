/**
 * Read requests of one thread and its event loop: answers waiting reads when packets come, and, in
 * the thread that owns the adapter, keeps the host's queue empty when nobody reads (so that the drop
 * policy is the adapter's and not the host's).
 *
 * A read that finds packets is answered at once. After a few of those in one turn of the event loop
 * the next waits for the following turn: a loop over a busy device would otherwise keep timers,
 * signals and other sockets waiting for ever.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { TunError, TunErrorCode } from '../errors.ts';
import { MAX_BUNDLES_PER_TURN } from '../limits.ts';
import type { Link, LinkWatch } from '../link/link.ts';
import { ParticipantWord, participantIndex } from '../sync/layout.ts';
import { whenNotified } from '../sync/wake.ts';
import type { Bundle } from './bundle.ts';
import type { DataPath } from './data-path.ts';
import { countReadWait } from './histograms.ts';
import { OtherReaders } from './other-readers.ts';
import { type PendingRead, PendingReads, type ReadOwner } from './pending-reads.ts';
import type { SharedAdapter } from './shared-adapter.ts';
import { Acceptance } from './state.ts';

/**
 * While other threads read, the owner leaves the link to them and looks again after this time, in
 * ms: a reader that got nothing done meanwhile has stalled, and the queue is filled for it.
 */
const STALL_MS = 10;

/** What the requests of a thread need to know and to tell. */
export interface RequestHooks {
  /** Whether this thread owns the adapter: it drains the link while nothing is accepted. */
  readonly owner: boolean;
  /** Whether it fills the queue while nobody reads. */
  readonly prefetch: boolean;
  /** The host has removed the device; possibly told more than once. */
  linkClosed(): void;
  /** Another thread made a change: of the state, perhaps. */
  changed(): void;
}

export class Requests {
  readonly #shared: SharedAdapter;
  readonly #path: DataPath;
  readonly #hooks: RequestHooks;
  readonly #reads: PendingReads;
  readonly #watch: LinkWatch;
  readonly #others: OtherReaders;
  #turnBudget = MAX_BUNDLES_PER_TURN;
  /** Packets of the bundle that a read on the event loop got last. */
  #lastPackets = 0;
  #turn: NodeJS.Immediate | undefined;
  #stall: NodeJS.Timeout | undefined;
  /** Others had their time, and nothing was read: until they do read, the queue is filled for them. */
  #stalled = false;
  #running = false;
  #listening = false;
  #parked = 0;

  constructor(shared: SharedAdapter, link: Link, path: DataPath, hooks: RequestHooks) {
    this.#shared = shared;
    this.#path = path;
    this.#hooks = hooks;
    this.#reads = new PendingReads(() => this.#publishWaiting());
    this.#others = new OtherReaders(shared);
    this.#watch = link.watch(() => this.#service());
  }

  /** Begins to serve the link. */
  start(): void {
    this.#running = true;
    if (this.#hooks.owner) this.#watch.start();
  }

  /** Stops serving; reads that wait go on waiting until they are failed. */
  stop(): void {
    this.#running = false;
    this.#watch.stop();
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    if (this.#stall !== undefined) clearTimeout(this.#stall);
    this.#turn = undefined;
    this.#stall = undefined;
    // Ends the wait of listen(), which looks whether it is still wanted.
    const { participant, words } = this.#shared;
    Atomics.notify(words, participantIndex(participant, ParticipantWord.ASLEEP));
  }

  /** From now on other threads use the adapter, too: hear of what they change. */
  listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    this.#publishWaiting();
    void this.#listen();
  }

  /** Queues a read, or answers it now. `buffer` is written only at the moment it is answered. */
  read(owner: ReadOwner, buffer: Uint8Array, signal: AbortSignal | undefined): Promise<Bundle> {
    if (this.#reads.length === 0 && this.#turnBudget > 0 && !this.#isLull()) {
      const bundle = this.#path.read(buffer);
      this.#path.ended();
      this.#checkLink();
      if (bundle !== undefined) {
        this.#turnBudget--;
        this.#lastPackets = bundle.count;
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
    const begun = performance.now();
    const deadline = begun + timeoutMs;
    let waited = false;
    for (;;) {
      check();
      const { changes } = this.#shared.wake;
      this.#answerAll(Number.POSITIVE_INFINITY);
      if (this.#reads.length === 0) {
        const bundle = this.#path.read(buffer);
        this.#path.ended();
        if (bundle !== undefined && waited) countReadWait(this.#shared.counters, begun);
        if (bundle !== undefined) return bundle;
      }
      this.#checkLink();
      const left = deadline - performance.now();
      if (left <= 0) return null;
      waited = true;
      this.#park(changes, left);
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

  #park(changes: number, timeoutMs: number): void {
    const accepts = this.#shared.acceptance() === Acceptance.SUCCESS;
    if (!accepts && this.#hooks.owner) this.#path.discard();
    this.#parked = 1;
    this.#publishWaiting();
    this.#shared.wake.wait(changes, timeoutMs, accepts && !this.#path.linkClosed);
    this.#parked = 0;
    this.#publishWaiting();
  }

  #publishWaiting(): void {
    if (!this.#shared.alone) this.#others.publish(this.#reads.length + this.#parked);
  }

  /** Serves once more whenever another thread announces a change. */
  async #listen(): Promise<void> {
    const { participant, words } = this.#shared;
    const asleep = participantIndex(participant, ParticipantWord.ASLEEP);
    while (this.#running) {
      Atomics.store(words, asleep, 1);
      this.#hooks.changed();
      this.#service();
      await whenNotified(words, asleep, 1);
      // However often others announce something, the event loop comes round in between.
      if (this.#running) await nextTurn();
    }
  }

  /** Packets are there: the event loop says so, again and again until there are none. */
  #service(): void {
    if (!this.#running) return;
    const { rundown } = this.#shared;
    rundown.enter();
    try {
      if (this.#shared.present) this.#serve();
    } finally {
      rundown.leave();
    }
    this.#checkLink();
  }

  #serve(): void {
    if (this.#shared.acceptance() !== Acceptance.SUCCESS) {
      if (this.#hooks.owner) this.#path.discard();
      else this.#watch.stop();
      return;
    }
    const answered = this.#answerAll(MAX_BUNDLES_PER_TURN);
    if (this.#reads.length > 0) this.#watch.start();
    // Not in the same turn as an answer: its receiver most likely reads again, straight from the
    // link and without a copy.
    else if (!answered) this.#drain();
  }

  #drain(): void {
    if (!this.#hooks.prefetch) this.#watch.stop();
    else if (this.#areOthersReading()) this.#leaveToOthers();
    else for (let i = 0; i < MAX_BUNDLES_PER_TURN; i++) if (!this.#path.prefetch()) return;
  }

  /** Whether other threads read: they got something done, or wait and had no time yet to do so. */
  #areOthersReading(): boolean {
    if (this.#others.progressed) {
      this.#stalled = false;
      return true;
    }
    return !this.#stalled && this.#others.waiting;
  }

  #leaveToOthers(): void {
    this.#watch.stop();
    this.#stall ??= setTimeout(() => {
      this.#stall = undefined;
      this.#stalled = true;
      if (this.#running) this.#watch.start();
    }, STALL_MS).unref();
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
    if (read.buffer.length !== read.bufferBytes) {
      this.#reads.shift();
      read.fail(
        new TunError(
          TunErrorCode.BUFFER_DETACHED,
          `the buffer of a waiting read had ${read.bufferBytes} bytes and now has ${read.buffer.length}: it was transferred or resized; leave it alone until the read completes`,
        ),
      );
      return true;
    }
    const answered = this.#tryAnswer(read);
    // Last: who is told may close the handle of this very read.
    this.#path.ended();
    return answered;
  }

  /** What goes wrong is this read's alone, and not of the event loop or of the read that waits behind it. */
  #tryAnswer(read: PendingRead): boolean {
    try {
      const bundle = this.#path.read(read.buffer);
      if (bundle === undefined) return false;
      this.#reads.shift();
      this.#lastPackets = bundle.count;
      countReadWait(this.#shared.counters, read.since);
      read.complete(bundle);
    } catch (error) {
      this.#reads.shift();
      read.fail(error);
    }
    return true;
  }

  /**
   * Whether the next packet is most likely still to come: it was one alone that came last, and the
   * look behind it found nothing. The event loop tells of the next without another look in vain.
   */
  #isLull(): boolean {
    return (
      this.#lastPackets === 1 &&
      this.#path.emptied &&
      this.#running &&
      this.#shared.lane.queue.count === 0
    );
  }

  #nextTurn(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#turnBudget = MAX_BUNDLES_PER_TURN;
      if (this.#running && this.#reads.length > 0) this.#service();
    });
  }

  #checkLink(): void {
    if (this.#path.linkClosed) this.#hooks.linkClosed();
  }
}
