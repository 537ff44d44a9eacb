/**
 * Which hardware queues of the device the host puts packets into: those of the lanes that have a
 * handle open; when none has, that of lane 0, where the owner counts what comes.
 *
 * A lane that loses its last handle, as when its thread dies, would keep packets that nobody reads:
 * they move on to a lane that is read, in order, before its queue is detached and its flows follow
 * them. What the host puts into the queue in the microseconds in between is lost and, by the kernel's
 * doing, counted nowhere.
 *
 * All of it under CONTROL. May be repeated: a thread may have died in the middle of it.
 */

import type { Link } from '../link/link.ts';
import { Word } from '../sync/layout.ts';
import type { DataPath } from './data-path.ts';
import type { SharedAdapter } from './shared-adapter.ts';

export class Steering {
  readonly #shared: SharedAdapter;
  readonly #link: Link;
  readonly #path: DataPath;

  constructor(shared: SharedAdapter, link: Link, path: DataPath) {
    this.#shared = shared;
    this.#link = link;
    this.#path = path;
  }

  /** Lane 0 alone is attached, as the device was made. */
  initialize(): void {
    this.#attached = bit(0);
  }

  /** Attaches the queues that are wanted and are not. Before packets pass. */
  attach(): void {
    const { lanes } = this.#shared;
    if (lanes.length === 1) return;
    const attached = this.#attached;
    const missing = this.#wanted & ~attached;
    for (const { index } of lanes) {
      if ((missing & bit(index)) !== 0) this.#link.setQueueAttached(index, true);
    }
    this.#attached = attached | missing;
  }

  /** Detaches the queues that are not wanted any more. After {@link attach}. */
  detach(): void {
    const { lanes } = this.#shared;
    if (lanes.length === 1) return;
    const wanted = this.#wanted;
    const heir = lanes.find(({ index }) => (wanted & bit(index)) !== 0)!;
    for (const lane of lanes) {
      if ((this.#attached & ~wanted & bit(lane.index)) === 0) continue;
      this.#path.moveOn(lane, heir);
      this.#link.setQueueAttached(lane.index, false);
    }
    this.#attached = wanted;
  }

  get #wanted(): number {
    let wanted = 0;
    for (const { index } of this.#shared.lanes) {
      if (this.#shared.isLaneOpen(index)) wanted |= bit(index);
    }
    return wanted === 0 ? bit(0) : wanted;
  }

  get #attached(): number {
    return Atomics.load(this.#shared.words, Word.ATTACHED_LANES);
  }

  set #attached(lanes: number) {
    Atomics.store(this.#shared.words, Word.ATTACHED_LANES, lanes);
  }
}

function bit(lane: number): number {
  return 1 << lane;
}
