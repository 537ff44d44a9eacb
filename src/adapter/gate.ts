/**
 * The two kinds of changes to whether packets pass. Opening throws away what the host sent before,
 * and takes no TransitionLock: nothing is accepted yet, so nothing can slip through. Shutting takes it
 * exclusive, around the change alone: after that, every thread that saw the old state is done, and
 * every later one sees the new.
 *
 * Source: docs/driver-contract.md, section 4, rules 2 to 5.
 */

import type { Lane } from '../sync/lane.ts';
import type { DataPath } from './data-path.ts';
import type { SharedAdapter } from './shared-adapter.ts';

export class Gate {
  readonly #shared: SharedAdapter;
  readonly #path: DataPath;

  constructor(shared: SharedAdapter, path: DataPath) {
    this.#shared = shared;
    this.#path = path;
  }

  /**
   * Makes a change after which packets may pass. Under CONTROL. The lane of the owner comes last: the owner
   * throws packets away while they may not pass, and looks whether that is still so under this lane's mutex.
   */
  open(change: () => void): void {
    const { lanes } = this.#shared;
    for (let i = lanes.length - 1; i > 0; i--) this.#drain(lanes[i]!);
    this.#drain(lanes[0]!, change);
  }

  /**
   * Makes a change after which packets do not pass; clearing the queue is left to the caller. Returns
   * whether a thread had died with the lock in its hands. Under CONTROL.
   */
  shut(change: () => void): boolean {
    const { lock } = this.#shared;
    const died = lock.enterExclusive();
    try {
      change();
    } finally {
      lock.leaveExclusive();
    }
    return died;
  }

  /** Throws away what waits in a lane, and makes the change while no other thread can take from it. */
  #drain(lane: Lane, change?: () => void): void {
    lane.lock();
    try {
      this.#path.drain(lane);
      change?.();
    } finally {
      lane.unlock();
    }
  }
}
