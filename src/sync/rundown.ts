/**
 * Rundown protection (the kernel's word, EX_RUNDOWN_REF): who counts the operations inside an
 * adapter, so that a halt can wait until there are none and nothing touches its memory or its link
 * afterwards.
 *
 * To enter: count, then look whether the adapter is still present, and leave again if it is not. To
 * halt: change the state, say that leaving is of interest, then wait until every count is 0.
 */

import type { Company } from './company.ts';
import { ParticipantWord, participantIndex, Word } from './layout.ts';
import type { Liveness } from './participants.ts';

export class Rundown {
  readonly #words: Int32Array;
  readonly #company: Company;
  readonly #own: number;
  /** What the shared word says, which only this thread changes. */
  #inside = 0;
  #retired = false;

  constructor(words: Int32Array, participant: number, company: Company) {
    this.#words = words;
    this.#company = company;
    this.#own = participantIndex(participant, ParticipantWord.INSIDE);
  }

  /** One operation more of this thread. Look at the state after this, not before. */
  enter(): void {
    this.#inside++;
    if (!this.#company.alone) this.publish();
  }

  /** The operation is over. */
  leave(): void {
    this.#inside--;
    if (this.#company.alone) return;
    this.publish();
    if (this.#inside > 0) return;
    // Asked for after the count has changed, as the one who waits asks for the count after saying so.
    if (Atomics.load(this.#words, Word.RUNDOWN) !== 0) Atomics.notify(this.#words, this.#own);
  }

  /** Shows the others how many there are: those, too, that began when there were no others. */
  publish(): void {
    if (!this.#retired) Atomics.store(this.#words, this.#own, this.#inside);
  }

  /** This thread gives its number back, and is not inside: from now on the word is somebody else's. */
  retire(): void {
    this.#retired = true;
  }

  /**
   * The first participant with an operation inside that is alive, or -1. From now on leaving is
   * notified on the participant's INSIDE word.
   */
  firstInside(liveness: Liveness): number {
    Atomics.store(this.#words, Word.RUNDOWN, 1);
    const participants = Atomics.load(this.#words, Word.PARTICIPANTS);
    for (let i = 0; i < participants; i++) {
      const inside = participantIndex(i, ParticipantWord.INSIDE);
      if (Atomics.load(this.#words, inside) !== 0 && liveness.isAlive(i)) return i;
    }
    return -1;
  }
}
