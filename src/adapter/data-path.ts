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

import { entryBytes, MAX_BUNDLE_BYTES, MAX_BUNDLE_PACKETS } from '../limits.ts';
import { GiveResult, LINK_CLOSED, type Link, TakeResult } from '../link/link.ts';
import { Counter } from '../sync/layout.ts';
import {
  type BundleIndex,
  createBundleIndex,
  HOST_LITTLE_ENDIAN,
  indexBundle,
  readSizeWord,
} from '../wire/bundle.ts';
import { isCarriedPadding } from '../wire/virtio-net.ts';
import { Bundle } from './bundle.ts';
import { BundleCounts } from './bundle-counts.ts';
import { DROP_REASON, RECEIVE_DROP_REASON } from './drop-reasons.ts';
import { Remainder } from './remainder.ts';
import type { SharedAdapter } from './shared-adapter.ts';
import { Acceptance } from './state.ts';

/**
 * Bytes of the bundle in which packets pass from the link to the queue when no read waits. Small
 * enough to stay in a processor's second-level cache, large enough for one packet of any size.
 */
const STAGING_BYTES = 0x20000;

let staging: Uint8Array | undefined;

export class DataPath {
  readonly #shared: SharedAdapter;
  readonly #link: Link;
  readonly #onTransactionsEnded: () => void;
  readonly #taken: TakeResult;
  readonly #dequeued = { packets: 0, octets: 0 };
  readonly #index: BundleIndex = createBundleIndex();
  readonly #given = new GiveResult();
  readonly #counts: BundleCounts;
  readonly #countQueueFull = (packets: number): void =>
    this.#discard(Counter.DROP_QUEUE_FULL, packets);
  readonly #remainder: Remainder;
  /** Entries have virtio-net headers. */
  readonly #carries: boolean;
  #linkClosed = false;
  /** A read had packets in hand, if only for a moment. */
  #transacted = false;

  /** `onTransactionsEnded` is called, under no lock, whenever transactions of this thread ended. */
  constructor(shared: SharedAdapter, link: Link, onTransactionsEnded: () => void) {
    this.#shared = shared;
    this.#link = link;
    this.#onTransactionsEnded = onTransactionsEnded;
    this.#taken = new TakeResult(shared.hand);
    this.#counts = new BundleCounts(shared.counters);
    this.#remainder = new Remainder(shared);
    this.#carries = link.capabilities.offload === 'carry';
  }

  /** Whether the link said that its device is gone. */
  get linkClosed(): boolean {
    return this.#linkClosed;
  }

  /**
   * Fills `buffer` with what is there: queued packets first, then the link's. Returns undefined when
   * nothing is there or nothing is accepted. The buffer is written only here and not kept. Calls no
   * foreign code; {@link ended} is to be called afterwards.
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
    this.#transacted = true;
    hand.handOver();
    this.#counts.read(target, packets);
    hand.empty();
    this.#remainder.announce();
    return new Bundle(target, length, packets, sequence);
  }

  /**
   * To be called when a {@link read} is completed, under no lock: tells whoever waits for this
   * thread's transactions, and through them foreign code. Does nothing when there were none.
   */
  ended(): void {
    if (!this.#transacted) return;
    this.#transacted = false;
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
        length = this.#prefetch();
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

  /** Throws away what the host has sent, unless packets pass by now. */
  discard(): void {
    const { lane } = this.#shared;
    lane.lock();
    try {
      // Under the mutex: whoever lets packets pass again does that under it, too.
      if (this.#shared.acceptance() !== Acceptance.SUCCESS) this.drain();
    } finally {
      lane.unlock();
    }
    // What was in this hand for a moment may have kept a pause from completing.
    this.#onTransactionsEnded();
  }

  /**
   * Throws away what the host has sent; the reason is the present {@link Acceptance}. Under TAKE, as
   * the last thing before packets pass.
   */
  drain(): void {
    const reason = this.#shared.acceptance();
    this.#link.discardPending(this.#taken);
    this.#countUnusable();
    this.#discardHand(DROP_REASON[reason] ?? Counter.DROP_CLEARED, this.#taken.packets);
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
      this.#discardHand(reason, cleared);
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
      this.#discard(Counter.DROP_CANCELLED, cancelled);
    }
  }

  /**
   * Validates `length` bytes as one bundle and hands its packets to the host. Returns the packets
   * delivered: 0 when nothing is accepted (they are counted as receive discards) or refused.
   *
   * @throws TunError `BUNDLE_INVALID`, with nothing delivered.
   */
  write(bytes: Uint8Array, length: number): number {
    const index = this.#index;
    try {
      if (this.#carries) indexBundle(bytes, length, index, HOST_LITTLE_ENDIAN, isCarriedPadding);
      else indexBundle(bytes, length, index);
    } catch (error) {
      this.#shared.counters.add(Counter.IN_ERRORS, 1);
      throw error;
    }
    const packets = index.count;
    let reason: Acceptance;
    try {
      reason = this.#give(bytes);
    } catch (error) {
      this.#onTransactionsEnded();
      throw error;
    }
    if (reason !== Acceptance.SUCCESS) {
      this.#shared.counters.add(Counter.IN_DISCARDS, packets);
      this.#shared.counters.add(RECEIVE_DROP_REASON[reason]!, packets);
      return 0;
    }
    // Read before the host gets its turn: it may write back, through these same results.
    const delivered = this.#given.packets;
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
    length += this.#takeFromLink(target, length, MAX_BUNDLE_PACKETS - hand.packets);
    const { remainderPackets } = this.#taken;
    if (remainderPackets > 0) {
      this.#transacted = true;
      this.#remainder.putBack(this.#link.remainder, remainderPackets, this.#countQueueFull);
    }
    return length;
  }

  #prefetch(): number {
    staging ??= new Uint8Array(STAGING_BYTES);
    const length = this.#takeFromLink(staging, 0, MAX_BUNDLE_PACKETS);
    const { packets, remainderPackets } = this.#taken;
    this.#queueEntries(staging, packets);
    if (remainderPackets > 0) this.#queueEntries(this.#link.remainder, remainderPackets);
    return length;
  }

  /** Queues the first `packets` entries of `entries` out of the hand, under the drop policy. */
  #queueEntries(entries: Uint8Array, packets: number): void {
    const { hand, lane } = this.#shared;
    let offset = 0;
    for (let i = 0; i < packets; i++) {
      const size = readSizeWord(entries, offset, HOST_LITTLE_ENDIAN);
      if (!hand.queue(lane, entries, offset, size, this.#countQueueFull)) {
        this.#countQueueFull(1);
        hand.drop(1);
      }
      offset += entryBytes(size);
    }
  }

  /** Delivers the indexed bundle unless nothing is accepted; returns which. */
  #give(bytes: Uint8Array): Acceptance {
    const { lock } = this.#shared;
    lock.enterShared();
    try {
      const reason = this.#shared.acceptance();
      if (reason !== Acceptance.SUCCESS) return reason;
      this.#shared.delivering = true;
      if (this.#link.give(bytes, this.#index, this.#given) === LINK_CLOSED) this.#linkClosed = true;
    } finally {
      lock.leaveShared();
      this.#shared.delivering = false;
    }
    this.#counts.written(bytes, this.#index, this.#given.refused);
    return Acceptance.SUCCESS;
  }

  #takeFromLink(bytes: Uint8Array, offset: number, maxPackets: number): number {
    const taken = this.#taken;
    const length = this.#link.take(bytes, offset, maxPackets, taken);
    this.#countUnusable();
    if (length !== LINK_CLOSED) return length;
    this.#linkClosed = true;
    return 0;
  }

  #countUnusable(): void {
    const { oversize, unreadable } = this.#taken;
    if (oversize + unreadable === 0) return;
    this.#transacted = true;
    this.#discard(Counter.DROP_OVERSIZE, oversize);
    this.#shared.counters.add(Counter.OUT_ERRORS, unreadable);
    this.#shared.counters.add(Counter.DROP_UNREADABLE, unreadable);
    this.#shared.hand.drop(oversize + unreadable);
  }

  /** A link that throws half way must not leave a transaction open for ever. */
  #abandon(): void {
    const { hand } = this.#shared;
    this.#discard(Counter.DROP_ABANDONED, hand.packets);
    hand.empty();
  }

  /** Drops what is in the hand: `packets`. */
  #discardHand(reason: Counter, packets: number): void {
    const { hand } = this.#shared;
    hand.handOver();
    this.#discard(reason, packets);
    hand.empty();
  }

  #discard(reason: Counter, packets: number): void {
    if (packets === 0) return;
    this.#shared.counters.add(Counter.OUT_DISCARDS, packets);
    this.#shared.counters.add(reason, packets);
  }
}
