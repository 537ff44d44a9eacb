/**
 * Which lane's readers take from which hardware queue. A lane that has a handle open takes from its
 * own. Queues of lanes that have none are *inherited* by the first lane that has one; when none has,
 * by lane 0, where the owner counts what comes.
 *
 * The host has all queues in use all the time, whoever reads them. That is what keeps a flow where it
 * is: a kernel which is told not to use a queue gives its number to another, and spreads the flows anew
 * over those that are left (docs/shared-memory.md). So a flow changes threads only when the thread that
 * has its queue comes or goes, or when another answers it.
 *
 * All of it under CONTROL. May be repeated: a thread may have died in the middle of it.
 */

import type { Lane } from '../sync/lane.ts';
import type { DataPath } from './data-path.ts';
import type { SharedAdapter } from './shared-adapter.ts';
import { queueBit } from './sources.ts';

export class Steering {
  readonly #shared: SharedAdapter;
  readonly #path: DataPath;

  constructor(shared: SharedAdapter, path: DataPath) {
    this.#shared = shared;
    this.#path = path;
  }

  /**
   * Lets sources follow the handles. Returns whether it changed any: whoever waits in a thread has to be
   * woken then. A lane that lost its last handle, as when its thread died, keeps packets that nobody would
   * read: they move on to the heir, and only then its queues, so that flows stay in order.
   */
  settle(): boolean {
    const { lanes } = this.#shared;
    if (lanes.length === 1) return false;
    const open = this.#open;
    const heir = lanes.find(({ index }) => (open & queueBit(index)) !== 0)!;
    let changed = false;
    let missing = queueBit(lanes.length) - 1;
    for (const lane of lanes) {
      const bit = queueBit(lane.index);
      const isOpen = (open & bit) !== 0;
      // What others open for themselves is theirs.
      const kept = isOpen ? lane.sources & (bit | ~open) : 0;
      if (change(lane, kept)) changed = true;
      // Without sources nothing comes into it any more.
      if (!isOpen && lane.queue.count > 0) this.#path.moveOn(lane, heir);
      missing &= ~kept;
    }
    for (const lane of lanes) {
      const own = missing & open & queueBit(lane.index);
      const inherited = lane === heir ? missing & ~open : 0;
      if (change(lane, lane.sources | own | inherited)) changed = true;
    }
    return changed;
  }

  /** The lanes whose readers take from queues. */
  get #open(): number {
    let open = 0;
    for (const { index } of this.#shared.lanes) {
      if (this.#shared.isLaneOpen(index)) open |= queueBit(index);
    }
    return open === 0 ? queueBit(0) : open;
  }
}

function change(lane: Lane, sources: number): boolean {
  if (sources === lane.sources) return false;
  lane.changeSources(sources);
  return true;
}
