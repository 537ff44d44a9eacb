/**
 * Fills packet queues, under the drop policy, through a small staging bundle: with what the host has
 * sent while no read waits, and with what waits in a lane that nobody reads any more.
 */

import { entryBytes, MAX_BUNDLE_PACKETS } from '../limits.ts';
import type { Lane } from '../sync/lane.ts';
import { HOST_LITTLE_ENDIAN, readSizeWord } from '../wire/bundle.ts';
import type { Intake } from './intake.ts';
import type { SharedAdapter } from './shared-adapter.ts';

/**
 * Bytes of the staging bundle. Small enough to stay in a processor's second-level cache, large enough
 * for one packet of any size.
 */
const STAGING_BYTES = 0x20000;

/**
 * Staging bundles that are moved on from a hardware queue before it is detached, at most: more than it
 * holds.
 */
const MAX_MOVES = 64;

let staging: Uint8Array | undefined;

export class QueueFiller {
  readonly #shared: SharedAdapter;
  readonly #intake: Intake;
  readonly #dequeued = { packets: 0, octets: 0 };

  constructor(shared: SharedAdapter, intake: Intake) {
    this.#shared = shared;
    this.#intake = intake;
  }

  /** Moves one staging bundle from this thread's lane to its queue; returns its bytes. Under TAKE. */
  fill(): number {
    const { lane } = this.#shared;
    staging ??= new Uint8Array(STAGING_BYTES);
    const length = this.#intake.take(staging, 0, MAX_BUNDLE_PACKETS, lane);
    this.#queueTaken(staging, lane);
    return length;
  }

  /**
   * Moves what waits in `from` to the end of the queue of `to`: all of it, unless the host sends faster
   * than this. With the TransitionLock shared.
   */
  moveOn(from: Lane, to: Lane): void {
    while (this.#moveQueued(from, to));
    for (let i = 0; i < MAX_MOVES && this.#moveWaiting(from, to); i++);
  }

  /** Moves packets from queue to queue; returns whether there were any. */
  #moveQueued(from: Lane, to: Lane): boolean {
    staging ??= new Uint8Array(STAGING_BYTES);
    from.lock();
    try {
      this.#shared.hand.take(from, staging, MAX_BUNDLE_PACKETS, this.#dequeued);
    } finally {
      from.unlock();
    }
    const { packets } = this.#dequeued;
    to.lock();
    try {
      this.#queueEntries(staging, packets, to);
    } finally {
      to.unlock();
    }
    return packets > 0;
  }

  /** Moves packets from the hardware queue of `from` to the queue of `to`, likewise. */
  #moveWaiting(from: Lane, to: Lane): boolean {
    staging ??= new Uint8Array(STAGING_BYTES);
    let length = 0;
    from.lock();
    try {
      length = this.#intake.take(staging, 0, MAX_BUNDLE_PACKETS, from);
    } finally {
      from.unlock();
    }
    to.lock();
    try {
      this.#queueTaken(staging, to);
    } finally {
      to.unlock();
    }
    return length > 0;
  }

  /** Queues what was taken into `entries`, and behind it what had no room there. Under TAKE. */
  #queueTaken(entries: Uint8Array, lane: Lane): void {
    const { packets, remainderPackets } = this.#intake.taken;
    this.#queueEntries(entries, packets, lane);
    if (remainderPackets > 0) this.#queueEntries(this.#intake.remainder, remainderPackets, lane);
  }

  /** Queues the first `packets` of `entries` out of the hand. Under TAKE. */
  #queueEntries(entries: Uint8Array, packets: number, lane: Lane): void {
    const { hand } = this.#shared;
    const { countQueueFull } = this.#intake;
    let offset = 0;
    for (let i = 0; i < packets; i++) {
      const size = readSizeWord(entries, offset, HOST_LITTLE_ENDIAN);
      if (!hand.queue(lane, entries, offset, size, countQueueFull)) {
        countQueueFull(1);
        hand.drop(1);
      }
      offset += entryBytes(size);
    }
  }
}
