/**
 * The hardware queues that this thread takes from: its lane's sources (steering.ts). The lane's own comes
 * last. A flow that moves from one to another moves to the queue of the thread that answered it, which is
 * its own, and what came before the answer is to be read before what came after.
 *
 * All of it under the lane's TAKE, if it says nothing else. Allocates nothing.
 */

import type { Link } from '../link/link.ts';
import type { SharedAdapter } from './shared-adapter.ts';

/** Of an adapter with one lane. */
const ONLY = 1;
/** Index of the highest bit of a word. */
const HIGHEST_BIT = 31;

export class Sources {
  readonly #shared: SharedAdapter;
  readonly #link: Link;
  readonly #own: number;
  readonly #single: boolean;
  /** What the link was told to wait for. */
  #awaited: number;
  /** Those that have had their turn and were not empty: others come first. */
  #later = 0;

  constructor(shared: SharedAdapter, link: Link) {
    this.#shared = shared;
    this.#link = link;
    this.#single = shared.lanes.length === ONLY;
    this.#own = queueBit(shared.lane.index);
    this.#awaited = this.#own;
  }

  /** Whether they are others than when this thread last looked. At any time. */
  get changed(): boolean {
    return !this.#single && this.#shared.lane.sources !== this.#awaited;
  }

  /** Begins a look at the host: the queues there are, one bit each. The link waits for them from now on. */
  begin(): number {
    if (this.#single) return ONLY;
    const { sources } = this.#shared.lane;
    if (sources !== this.#awaited) {
      this.#link.waitFor(sources);
      this.#awaited = sources;
    }
    return sources;
  }

  /** Which of `left`, of which there are some, is next. */
  next(left: number): number {
    const sooner = left & ~this.#later;
    const candidates = sooner === 0 ? left : sooner;
    const others = candidates & ~this.#own;
    return lowest(others === 0 ? candidates : others);
  }

  /**
   * There was no room for all that `queue` has. The next look begins behind it: a queue that is never
   * empty does not keep the others waiting, not even for the sake of order.
   */
  filled(queue: number): void {
    const bit = queueBit(queue);
    this.#later = bit === this.#own ? 0 : (bit | (bit - 1)) & ~this.#own;
  }

  /** All of them were found empty. */
  emptied(): void {
    this.#later = 0;
  }
}

/** The bit that stands for a lane, or its hardware queue. */
export function queueBit(queue: number): number {
  return 1 << queue;
}

function lowest(queues: number): number {
  return HIGHEST_BIT - Math.clz32(queues & -queues);
}
