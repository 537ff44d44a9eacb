/**
 * The way of packets through the adapter, in both directions, with all their counting:
 *
 * ```
 *  Link.take ──► [PacketQueue] ──► a reader's bundle        (send)
 *  Link.give ◄──────────────────── a writer's bundle        (receive)
 * ```
 *
 * Used by any number of threads, each through an instance of its own. Whatever takes from the link,
 * fills the queue or gives to the link holds the TransitionLock shared from before it looks at the
 * state until it is done, so that no transition happens in between. Taking, queueing and numbering
 * happen under the TAKE mutex, so that all readers together see the host's order.
 *
 * Nothing here waits for packets, and nothing is allocated per packet. No foreign code runs under a
 * lock: an in-process host handles what it was given in `Link.settle`, after everything is released.
 */

import { MAX_BUNDLE_BYTES, MAX_BUNDLE_PACKETS } from '../limits.ts';
import type { Link } from '../link/link.ts';
import type { Lane } from '../sync/lane.ts';
import { Counter } from '../sync/layout.ts';
import { Bundle } from './bundle.ts';
import { BundleCounts } from './bundle-counts.ts';
import { Delivery } from './delivery.ts';
import { Intake } from './intake.ts';
import { QueueFiller } from './queue-filler.ts';
import { Remainder } from './remainder.ts';
import type { SharedAdapter } from './shared-adapter.ts';
import { queueBit, Sources } from './sources.ts';
import { Acceptance } from './state.ts';
import type { Tap } from './tap.ts';

export class DataPath {
  readonly #shared: SharedAdapter;
  readonly #link: Link;
  readonly #onTransactionsEnded: () => void;
  readonly #dequeued = { packets: 0, octets: 0 };
  readonly #counts: BundleCounts;
  readonly #intake: Intake;
  readonly #sources: Sources;
  readonly #filler: QueueFiller;
  readonly #delivery: Delivery;
  readonly #remainder: Remainder;
  #tap: Tap | undefined;

  /** `onTransactionsEnded` is called, under no lock, whenever transactions of this thread ended. */
  constructor(shared: SharedAdapter, link: Link, onTransactionsEnded: () => void) {
    this.#shared = shared;
    this.#link = link;
    this.#onTransactionsEnded = onTransactionsEnded;
    this.#counts = new BundleCounts(shared.counters);
    this.#intake = new Intake(shared, link);
    this.#sources = new Sources(shared, link);
    this.#filler = new QueueFiller(shared, this.#intake, this.#sources);
    this.#delivery = new Delivery(shared, link, this.#counts);
    this.#remainder = new Remainder(shared);
  }

  /** Who looks at the packets that this thread reads and writes, if anybody does. */
  set tap(tap: Tap | undefined) {
    this.#tap = tap;
  }

  /** Whether the link said that its device is gone. */
  get linkClosed(): boolean {
    return this.#intake.linkClosed || this.#delivery.linkClosed;
  }

  /** Whether the last look at the host found that it had no more, and would look at the same queues. */
  get emptied(): boolean {
    return this.#intake.taken.emptied && !this.#sources.changed;
  }

  /**
   * Fills `buffer` with what is there: queued packets first, then the link's. Returns undefined when
   * nothing is there or nothing is accepted. The buffer is written only here and not kept. Calls no
   * foreign code; {@link ended} is to be called afterwards, also when it throws what the link throws:
   * what was in hand then is counted as abandoned.
   */
  read(buffer: Uint8Array): Bundle | undefined {
    const { hand, lane, lock } = this.#shared;
    const limit = Math.min(buffer.length, MAX_BUNDLE_BYTES);
    const target = limit === buffer.length ? buffer : buffer.subarray(0, limit);
    let length = 0;
    let sequence = 0;
    lock.enterShared();
    try {
      if (this.#shared.acceptance() !== Acceptance.SUCCESS) return undefined;
      lane.lock();
      try {
        length = this.#fill(target);
        if (length > 0) sequence = lane.nextSequence(hand.packets);
      } catch (error) {
        this.#abandon();
        throw error;
      } finally {
        lane.unlock();
      }
    } finally {
      lock.leaveShared();
    }
    const { packets } = hand;
    if (packets === 0) {
      this.#remainder.announce();
      return undefined;
    }
    this.#intake.transacted = true;
    hand.handOver();
    this.#counts.read(target, packets);
    hand.empty();
    this.#remainder.announce();
    if (this.#tap !== undefined) this.#tap.sent(target, length, packets);
    return new Bundle(target, length, packets, sequence);
  }

  /**
   * To be called when a {@link read} is completed, under no lock: tells whoever waits for this
   * thread's transactions, and through them foreign code. Does nothing when there were none.
   */
  ended(): void {
    if (!this.#intake.transacted) return;
    this.#intake.transacted = false;
    this.#onTransactionsEnded();
  }

  /**
   * Moves one staging bundle from the link to the queue, under the drop policy. Returns whether
   * there may be more.
   */
  prefetch(): boolean {
    const { lane, lock } = this.#shared;
    let length = 0;
    lock.enterShared();
    try {
      if (this.#shared.acceptance() !== Acceptance.SUCCESS) return false;
      lane.lock();
      try {
        length = this.#filler.fill();
      } finally {
        lane.unlock();
      }
    } finally {
      lock.leaveShared();
    }
    this.#onTransactionsEnded();
    this.#remainder.announce();
    if (length > 0) this.#shared.wake.announce();
    return length > 0;
  }

  /** The lane's sources are others: this thread waits for those from now on. Calls no foreign code. */
  follow(): void {
    const { lane } = this.#shared;
    lane.lock();
    try {
      this.#sources.begin();
    } finally {
      lane.unlock();
    }
  }

  /** Throws away what the host has sent, unless packets pass by now. */
  discard(): void {
    const { lane } = this.#shared;
    lane.lock();
    try {
      // Under the mutex: whoever lets packets pass again does that under it, too.
      if (this.#shared.acceptance() !== Acceptance.SUCCESS) this.#drainSources();
    } finally {
      lane.unlock();
    }
    // What was in this hand for a moment may have kept a pause from completing.
    this.#onTransactionsEnded();
  }

  /**
   * Throws away what the host has sent into a lane's hardware queue; the reason is the present
   * {@link Acceptance}. Under TAKE, as the last thing before packets pass.
   */
  drain(lane: Lane): void {
    this.#intake.drain(lane.index);
  }

  /**
   * Moves what waits in the queue of a lane that nobody reads any more to the end of another's, under the
   * drop policy. While nothing is accepted there is nothing in it. Under CONTROL.
   */
  moveOn(from: Lane, to: Lane): void {
    const { lock } = this.#shared;
    lock.enterShared();
    try {
      if (this.#shared.acceptance() === Acceptance.SUCCESS) this.#filler.moveOn(from, to);
    } finally {
      lock.leaveShared();
    }
  }

  /** Empties the queues after a transition and counts their packets under `reason`. */
  clearQueue(reason: Counter): void {
    const { hand, lanes } = this.#shared;
    for (const lane of lanes) {
      let cleared = 0;
      lane.lock();
      try {
        cleared = hand.clear(lane);
      } finally {
        lane.unlock();
      }
      this.#intake.discardHand(reason, cleared);
    }
  }

  /** Takes back what the host stack withdraws and is still queued: packets sent as `cancelId`. */
  cancel(cancelId: number): void {
    for (const lane of this.#shared.lanes) {
      let cancelled = 0;
      lane.lock();
      try {
        cancelled = lane.queue.cancel(cancelId);
      } finally {
        lane.unlock();
      }
      this.#intake.discard(Counter.DROP_CANCELLED, cancelled);
    }
  }

  /**
   * Validates `length` bytes as one bundle and hands its packets to the host. Returns the packets
   * delivered: 0 when nothing is accepted (they are counted as receive discards) or refused.
   *
   * @throws TunError `BUNDLE_INVALID`, with nothing delivered.
   */
  write(bytes: Uint8Array, length: number): number {
    this.#delivery.check(bytes, length);
    let delivered: number;
    try {
      // Read before the host gets its turn: it may write back, through the same objects.
      delivered = this.#delivery.deliver(bytes);
    } catch (error) {
      this.#onTransactionsEnded();
      throw error;
    }
    if (delivered < 0) return 0;
    if (this.#tap !== undefined) this.#tap.received(bytes, this.#delivery.index);
    this.#onTransactionsEnded();
    this.#link.settle();
    return delivered;
  }

  /** Queued packets first, then the link's, as long as there is room. Under TAKE. Returns bytes. */
  #fill(target: Uint8Array): number {
    const { hand, lane } = this.#shared;
    const { queue } = lane;
    let length = 0;
    if (queue.count > 0) {
      length = hand.take(lane, target, MAX_BUNDLE_PACKETS, this.#dequeued);
      if (queue.count > 0 || hand.packets === MAX_BUNDLE_PACKETS) return length;
    }
    return length + this.#takeSources(target, length);
  }

  /** Fills `target` from `offset` on with what the host has. Under TAKE. Returns bytes. */
  #takeSources(target: Uint8Array, offset: number): number {
    const { hand } = this.#shared;
    const intake = this.#intake;
    const sources = this.#sources;
    let at = offset;
    for (let left = sources.begin(); left !== 0; ) {
      const queue = sources.next(left);
      left &= ~queueBit(queue);
      at += intake.take(target, at, MAX_BUNDLE_PACKETS - hand.packets, queue);
      const { emptied, remainderPackets } = intake.taken;
      if (remainderPackets > 0) {
        intake.transacted = true;
        this.#remainder.putBack(intake.remainder, remainderPackets, intake.countQueueFull);
      }
      if (!emptied) {
        sources.filled(queue);
        return at - offset;
      }
    }
    sources.emptied();
    return at - offset;
  }

  #drainSources(): void {
    const sources = this.#sources;
    for (let left = sources.begin(); left !== 0; ) {
      const queue = sources.next(left);
      left &= ~queueBit(queue);
      this.#intake.drain(queue);
    }
  }

  /** A link that throws half way must not leave a transaction open for ever. */
  #abandon(): void {
    const { hand } = this.#shared;
    if (hand.packets > 0) this.#intake.transacted = true;
    this.#intake.discard(Counter.DROP_ABANDONED, hand.packets);
    hand.empty();
  }
}
