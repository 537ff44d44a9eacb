/**
 * Where packets of the host enter the adapter, and are counted when nobody gets them: taking from the
 * link, and throwing away.
 */

import { LINK_CLOSED, type Link, TakeResult } from '../link/link.ts';
import { Counter } from '../sync/layout.ts';
import { DROP_REASON } from './drop-reasons.ts';
import type { SharedAdapter } from './shared-adapter.ts';

export class Intake {
  /** What the last {@link take} or {@link drain} took; read it before the next. */
  readonly taken: TakeResult;
  /** For a queue to tell how many packets it dropped since it was full. */
  readonly countQueueFull: (packets: number) => void = (packets) =>
    this.discard(Counter.DROP_QUEUE_FULL, packets);
  /** Packets were in hand, if only for a moment: whoever waits for transactions has to be told. */
  transacted = false;
  readonly #shared: SharedAdapter;
  readonly #link: Link;
  #linkClosed = false;

  constructor(shared: SharedAdapter, link: Link) {
    this.#shared = shared;
    this.#link = link;
    this.taken = new TakeResult(shared.hand);
  }

  /** Whether the link said that its device is gone. */
  get linkClosed(): boolean {
    return this.#linkClosed;
  }

  /** The entries of what was taken and found no room, as many as `taken.remainderPackets`. */
  get remainder(): Uint8Array {
    return this.#link.remainder;
  }

  /**
   * Moves packets from a hardware queue into `bytes` and into the hand; counts those that no bundle can
   * hold. Returns the bytes written. Under the TAKE of the lane whose source it is.
   */
  take(bytes: Uint8Array, offset: number, maxPackets: number, queue: number): number {
    const length = this.#link.take(bytes, offset, maxPackets, this.taken, queue);
    this.#countUnusable();
    if (length !== LINK_CLOSED) return length;
    this.#linkClosed = true;
    return 0;
  }

  /**
   * Throws away what waits in a hardware queue, counted under the reason for which nothing is accepted.
   * Under TAKE.
   */
  drain(queue: number): void {
    // Before anything is in the hand: it is there no longer than it has to be.
    const reason = DROP_REASON[this.#shared.acceptance()] ?? Counter.DROP_CLEARED;
    this.#link.discardPending(this.taken, queue);
    this.#countUnusable();
    this.discardHand(reason, this.taken.packets);
  }

  /** Drops what is in the hand: `packets`. */
  discardHand(reason: Counter, packets: number): void {
    const { hand } = this.#shared;
    hand.handOver();
    this.discard(reason, packets);
    hand.empty();
  }

  /** Counts `packets` as dropped. */
  discard(reason: Counter, packets: number): void {
    if (packets === 0) return;
    this.#shared.counters.add(Counter.OUT_DISCARDS, packets);
    this.#shared.counters.add(reason, packets);
  }

  #countUnusable(): void {
    const { oversize, unreadable } = this.taken;
    if (oversize + unreadable === 0) return;
    this.transacted = true;
    this.discard(Counter.DROP_OVERSIZE, oversize);
    this.#shared.counters.add(Counter.OUT_ERRORS, unreadable);
    this.#shared.counters.add(Counter.DROP_UNREADABLE, unreadable);
    this.#shared.hand.drop(oversize + unreadable);
  }
}
