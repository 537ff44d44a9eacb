/**
 * The way of packets through the adapter, in both directions, with all their counting:
 *
 * ```
 *  Link.take ──► [PacketQueue] ──► a reader's bundle        (send)
 *  Link.give ◄──────────────────── a writer's bundle        (receive)
 * ```
 *
 * Nothing here waits, and nothing is allocated per packet. One thread uses an adapter in this
 * release, so that between the check of the state and the end of filling no transition can happen;
 * callbacks of an in-process host may call back into the adapter while a bundle is delivered, which
 * the active-transaction count covers.
 */

import { ENTRY_HEADER_BYTES, entryBytes, MAX_BUNDLE_BYTES, MAX_BUNDLE_PACKETS } from '../limits.ts';
import { GiveResult, LINK_CLOSED, type Link, TakeResult } from '../link/link.ts';
import { Counter } from '../sync/layout.ts';
import {
  type BundleIndex,
  createBundleIndex,
  HOST_LITTLE_ENDIAN,
  indexBundle,
  readSizeWord,
} from '../wire/bundle.ts';
import { Bundle } from './bundle.ts';
import type { SharedAdapter } from './shared-adapter.ts';
import { Acceptance } from './state.ts';
import { Tally } from './tally.ts';

/**
 * Bytes of the bundle in which packets pass from the link to the queue when no read waits. Small
 * enough to stay in a processor's second-level cache, large enough for one packet of any size.
 */
const STAGING_BYTES = 0x20000;

let staging: Uint8Array | undefined;

export class DataPath {
  readonly #shared: SharedAdapter;
  readonly #link: Link;
  readonly #taken = new TakeResult();
  readonly #dequeued = { packets: 0, octets: 0 };
  readonly #delivery: Delivery = createDelivery();
  readonly #tally = new Tally();
  #delivering = false;
  #linkClosed = false;

  constructor(shared: SharedAdapter, link: Link) {
    this.#shared = shared;
    this.#link = link;
  }

  /** Whether the link said that its device is gone. */
  get linkClosed(): boolean {
    return this.#linkClosed;
  }

  /**
   * Fills `buffer` with what is there: queued packets first, then the link's. Returns undefined when
   * nothing is there or nothing is accepted. The buffer is written only here and not kept.
   */
  read(buffer: Uint8Array): Bundle | undefined {
    if (this.#shared.acceptance() !== Acceptance.SUCCESS) return undefined;
    const limit = Math.min(buffer.byteLength, MAX_BUNDLE_BYTES);
    const target = limit === buffer.byteLength ? buffer : buffer.subarray(0, limit);
    const queued = this.#shared.queue.take(target, 0, MAX_BUNDLE_PACKETS, this.#dequeued);
    let length = queued;
    let packets = this.#dequeued.packets;
    this.#shared.end(packets);
    if (this.#shared.queue.count === 0 && packets < MAX_BUNDLE_PACKETS) {
      length += this.#takeFromLink(target, length, MAX_BUNDLE_PACKETS - packets);
      packets += this.#taken.packets;
    }
    if (packets === 0) return undefined;
    this.#countRead(target, packets);
    return new Bundle(target.subarray(0, length), packets, this.#shared.nextSequence(packets));
  }

  /**
   * Moves one staging bundle from the link to the queue, under the drop policy. Returns whether
   * there may be more. Only while accepting.
   */
  prefetch(): boolean {
    staging ??= new Uint8Array(STAGING_BYTES);
    const length = this.#takeFromLink(staging, 0, MAX_BUNDLE_PACKETS);
    let offset = 0;
    let dropped = 0;
    for (let i = 0; i < this.#taken.packets; i++) {
      const size = readSizeWord(staging, offset, HOST_LITTLE_ENDIAN);
      dropped += this.#shared.queue.push(staging, offset, size);
      offset += entryBytes(size);
    }
    this.#shared.begin(this.#taken.packets);
    this.#shared.end(dropped);
    this.#discard(Counter.DROP_QUEUE_FULL, dropped);
    return length > 0;
  }

  /** Throws away what the host has sent; the reason is the present {@link Acceptance}. */
  discard(): void {
    const reason = this.#shared.acceptance();
    this.#link.discardPending(this.#taken);
    this.#shared.counters.add(Counter.TAKEN, this.#taken.packets);
    this.#countUnusable();
    this.#discard(DROP_REASON[reason] ?? Counter.DROP_CLEARED, this.#taken.packets);
  }

  /** Empties the queue after a transition and counts its packets under `reason`. */
  clearQueue(reason: Counter): boolean {
    const cleared = this.#shared.queue.clear();
    this.#discard(reason, cleared);
    return this.#shared.end(cleared);
  }

  /**
   * Validates `length` bytes as one bundle and hands its packets to the host. Returns the packets
   * delivered: 0 when nothing is accepted (they are counted as receive discards) or refused.
   *
   * `onIdle` is called when this ended the last active transaction.
   *
   * @throws TunError `BUNDLE_INVALID`, with nothing delivered.
   */
  write(bytes: Uint8Array, length: number, onIdle: () => void): number {
    const delivery = this.#delivering ? createDelivery() : this.#delivery;
    const { counters } = this.#shared;
    try {
      indexBundle(bytes, length, delivery.index);
    } catch (error) {
      counters.add(Counter.IN_ERRORS, 1);
      throw error;
    }
    const reason = this.#shared.acceptance();
    if (reason !== Acceptance.SUCCESS) {
      counters.add(Counter.IN_DISCARDS, delivery.index.count);
      counters.add(RECEIVE_DROP_REASON[reason]!, delivery.index.count);
      return 0;
    }
    const outermost = !this.#delivering;
    this.#delivering = true;
    this.#shared.begin(1);
    try {
      const delivered = this.#link.give(bytes, delivery.index, delivery.given);
      if (delivered === LINK_CLOSED) this.#linkClosed = true;
      this.#countWritten(bytes, delivery);
    } finally {
      if (outermost) this.#delivering = false;
      if (this.#shared.end(1)) onIdle();
    }
    return delivery.given.packets;
  }

  #takeFromLink(bytes: Uint8Array, offset: number, maxPackets: number): number {
    const taken = this.#taken;
    const length = this.#link.take(bytes, offset, maxPackets, taken);
    if (taken.packets > 0) this.#shared.counters.add(Counter.TAKEN, taken.packets);
    this.#countUnusable();
    if (taken.remainderBytes > 0) this.#putBack(taken.remainderBytes);
    if (length !== LINK_CLOSED) return length;
    this.#linkClosed = true;
    return 0;
  }

  #putBack(length: number): void {
    this.#shared.counters.add(Counter.TAKEN, 1);
    if (this.#shared.queue.pushHead(this.#link.remainder, 0, length)) this.#shared.begin(1);
    else this.#discard(Counter.DROP_QUEUE_FULL, 1);
  }

  #countUnusable(): void {
    const { oversize, unreadable } = this.#taken;
    if (oversize + unreadable === 0) return;
    this.#shared.counters.add(Counter.TAKEN, oversize + unreadable);
    this.#discard(Counter.DROP_OVERSIZE, oversize);
    this.#shared.counters.add(Counter.OUT_ERRORS, unreadable);
    this.#shared.counters.add(Counter.DROP_UNREADABLE, unreadable);
  }

  #discard(reason: Counter, packets: number): void {
    if (packets === 0) return;
    this.#shared.counters.add(Counter.OUT_DISCARDS, packets);
    this.#shared.counters.add(reason, packets);
  }

  #countRead(bytes: Uint8Array, packets: number): void {
    const { counters } = this.#shared;
    this.#tally.reset();
    let offset = 0;
    for (let i = 0; i < packets; i++) {
      const size = readSizeWord(bytes, offset, HOST_LITTLE_ENDIAN);
      this.#tally.add(bytes, offset + ENTRY_HEADER_BYTES, size);
      offset += entryBytes(size);
    }
    this.#tally.addTo(counters, 'out');
    counters.add(Counter.BUNDLES_READ, 1);
    counters.raise(Counter.LARGEST_BUNDLE, packets);
  }

  #countWritten(bytes: Uint8Array, delivery: Delivery): void {
    const { counters } = this.#shared;
    const { index } = delivery;
    this.#tally.reset();
    for (let i = 0; i < index.count; i++) {
      const length = index.lengths[i]!;
      if (length > 0) this.#tally.add(bytes, index.offsets[i]!, length);
    }
    this.#tally.addTo(counters, 'in');
    counters.add(Counter.BUNDLES_WRITTEN, 1);
    counters.add(Counter.IN_ERRORS, delivery.given.refused);
  }
}

/** What one delivery needs. A host that writes back from within a delivery gets its own. */
interface Delivery {
  readonly index: BundleIndex;
  readonly given: GiveResult;
}

function createDelivery(): Delivery {
  return { index: createBundleIndex(), given: new GiveResult() };
}

/** The counter of send drops that goes with a reason for not accepting. */
const DROP_REASON: Readonly<Record<Acceptance, Counter | undefined>> = {
  [Acceptance.SUCCESS]: undefined,
  [Acceptance.NOT_OPEN]: Counter.DROP_NOT_OPEN,
  [Acceptance.PAUSED]: Counter.DROP_PAUSED,
  [Acceptance.LOW_POWER]: Counter.DROP_LOW_POWER,
};

/** The counter of receive drops that goes with a reason for not accepting. */
const RECEIVE_DROP_REASON: Readonly<Record<Acceptance, Counter | undefined>> = {
  [Acceptance.SUCCESS]: undefined,
  [Acceptance.NOT_OPEN]: Counter.RECEIVE_DROP_NOT_OPEN,
  [Acceptance.PAUSED]: Counter.RECEIVE_DROP_PAUSED,
  [Acceptance.LOW_POWER]: Counter.RECEIVE_DROP_LOW_POWER,
};
