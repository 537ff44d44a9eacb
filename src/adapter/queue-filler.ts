/**
 * Fills packet queues, under the drop policy, through a small staging bundle: with what the host has
 * sent while no read waits, and with what waits in a lane that nobody reads any more.
 */

import { entryBytes, MAX_BUNDLE_PACKETS } from '../limits.ts';
import type { Lane } from '../sync/lane.ts';
import { HOST_LITTLE_ENDIAN, readSizeWord } from '../wire/bundle.ts';
import type { Intake } from './intake.ts';
import type { SharedAdapter } from './shared-adapter.ts';
import { queueBit, type Sources } from './sources.ts';

/**
 * Bytes of the staging bundle. Small enough to stay in a processor's second-level cache, large enough
 * for one packet of any size.
 */
const STAGING_BYTES = 0x20000;

let staging: Uint8Array | undefined;

export class QueueFiller {
  readonly #shared: SharedAdapter;
  readonly #intake: Intake;
  readonly #sources: Sources;
  readonly #dequeued = { packets: 0, octets: 0 };

  constructor(shared: SharedAdapter, intake: Intake, sources: Sources) {
    this.#shared = shared;
    this.#intake = intake;
    this.#sources = sources;
  }

  /**
   * Moves up to one staging bundle from each source of this thread's lane to its queue. Returns their
   * bytes. Under TAKE.
   */
  fill(): number {
    staging ??= new Uint8Array(STAGING_BYTES);
    const sources = this.#sources;
    let length = 0;
    for (let left = sources.begin(); left !== 0; ) {
      const queue = sources.next(left);
      left &= ~queueBit(queue);
      length += this.#intake.take(staging, 0, MAX_BUNDLE_PACKETS, queue);
      this.#queueTaken(staging);
      if (!this.#intake.taken.emptied) {
        sources.filled(queue);
        return length;
      }
    }
    sources.emptied();
    return length;
  }

  /** Moves what waits in the queue of `from` to the end of that of `to`. With the TransitionLock shared. */
  moveOn(from: Lane, to: Lane): void {
    while (this.#moveQueued(from, to));
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

  /** Queues what was taken into `entries`, and behind it what had no room there. Under TAKE. */
  #queueTaken(entries: Uint8Array): void {
    const { lane } = this.#shared;
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
