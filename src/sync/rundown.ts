/**
 * Rundown protection (the kernel's word, EX_RUNDOWN_REF): who counts the operations inside an
 * adapter, so that a halt can wait until there are none and nothing touches its memory or its link
 * afterwards.
 *
 * To enter: count, then look whether the adapter is still present, and leave again if it is not. To
 * halt: change the state, then wait until every count is 0.
 */

import { ParticipantWord, participantIndex, Word } from './layout.ts';
import type { Liveness } from './participants.ts';

export class Rundown {
  readonly #words: Int32Array;
  readonly #own: number;

  constructor(words: Int32Array, participant: number) {
    this.#words = words;
    this.#own = participantIndex(participant, ParticipantWord.INSIDE);
  }

  /** One operation more of this thread. Look at the state after this, not before. */
  enter(): void {
    Atomics.add(this.#words, this.#own, 1);
  }

  /** The operation is over. */
  leave(): void {
    if (Atomics.sub(this.#words, this.#own, 1) === 1) Atomics.notify(this.#words, this.#own);
  }

  /** The first participant with an operation inside that is alive, or -1. */
  firstInside(liveness: Liveness): number {
    const participants = Atomics.load(this.#words, Word.PARTICIPANTS);
    for (let i = 0; i < participants; i++) {
      const inside = participantIndex(i, ParticipantWord.INSIDE);
      if (Atomics.load(this.#words, inside) !== 0 && liveness.isAlive(i)) return i;
    }
    return -1;
  }
}
