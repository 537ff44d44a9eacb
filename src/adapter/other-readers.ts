/** Whether other threads read the lane: then the adapter's owner leaves its packets to them. */

import { Counter, ParticipantWord, participantIndex } from '../sync/layout.ts';
import { laneOf } from '../sync/participants.ts';
import type { SharedAdapter } from './shared-adapter.ts';

export class OtherReaders {
  readonly #shared: SharedAdapter;
  #bundles = 0;

  constructor(shared: SharedAdapter) {
    this.#shared = shared;
  }

  /** Tells the other threads how many reads wait in this one. */
  publish(waiting: number): void {
    const { participant, words } = this.#shared;
    Atomics.store(words, participantIndex(participant, ParticipantWord.WAITING), waiting);
  }

  /** Whether other threads have read any packets since this was asked last. */
  get progressed(): boolean {
    const { counters, participants } = this.#shared;
    if (participants === 1) return false;
    const before = this.#bundles;
    this.#bundles = 0;
    for (let i = 0; i < participants; i++) {
      if (this.#isOther(i)) this.#bundles += counters.of(i, Counter.BUNDLES_READ);
    }
    return this.#bundles !== before;
  }

  /** Whether other threads wait for packets. They may be too busy to notice that some are there. */
  get waiting(): boolean {
    const { participants, words } = this.#shared;
    for (let i = 0; i < participants; i++) {
      const waiting = participantIndex(i, ParticipantWord.WAITING);
      if (this.#isOther(i) && Atomics.load(words, waiting) > 0) return true;
    }
    return false;
  }

  #isOther(participant: number): boolean {
    const { lane, participant: own, words } = this.#shared;
    return participant !== own && laneOf(words, participant) === lane.index;
  }
}
