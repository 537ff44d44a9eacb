/** Bundles that a program writes, on their way to the host: validated whole, delivered, counted. */

import { GiveResult, LINK_CLOSED, type Link } from '../link/link.ts';
import { Counter } from '../sync/layout.ts';
import {
  type BundleIndex,
  createBundleIndex,
  HOST_LITTLE_ENDIAN,
  indexBundle,
} from '../wire/bundle.ts';
import { isCarriedPadding } from '../wire/virtio-net.ts';
import type { BundleCounts } from './bundle-counts.ts';
import { RECEIVE_DROP_REASON } from './drop-reasons.ts';
import type { SharedAdapter } from './shared-adapter.ts';
import { Acceptance } from './state.ts';

export class Delivery {
  readonly #shared: SharedAdapter;
  readonly #link: Link;
  readonly #counts: BundleCounts;
  readonly #index: BundleIndex = createBundleIndex();
  readonly #given = new GiveResult();
  /** Entries have virtio-net headers. */
  readonly #carries: boolean;
  #linkClosed = false;

  constructor(shared: SharedAdapter, link: Link, counts: BundleCounts) {
    this.#shared = shared;
    this.#link = link;
    this.#counts = counts;
    this.#carries = link.capabilities.offload === 'carry';
  }

  /** The bundle that was checked last; once it was delivered, packets that the host refused have the length 0. */
  get index(): BundleIndex {
    return this.#index;
  }

  /** Whether the link said that its device is gone. */
  get linkClosed(): boolean {
    return this.#linkClosed;
  }

  /**
   * Validates `length` bytes as one bundle. Nothing is touched but the index of this object.
   *
   * @throws TunError `BUNDLE_INVALID`.
   */
  check(bytes: Uint8Array, length: number): void {
    try {
      if (this.#carries) {
        indexBundle(bytes, length, this.#index, HOST_LITTLE_ENDIAN, isCarriedPadding);
      } else {
        indexBundle(bytes, length, this.#index);
      }
    } catch (error) {
      this.#shared.counters.add(Counter.IN_ERRORS, 1);
      throw error;
    }
  }

  /**
   * Hands the bundle that was checked last to the host. Returns the packets delivered, -1 when
   * nothing is accepted: they are counted as receive discards.
   */
  deliver(bytes: Uint8Array): number {
    const reason = this.#give(bytes);
    if (reason === Acceptance.SUCCESS) return this.#given.packets;
    const packets = this.#index.count;
    this.#shared.counters.add(Counter.IN_DISCARDS, packets);
    this.#shared.counters.add(RECEIVE_DROP_REASON[reason]!, packets);
    return -1;
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
}
