/**
 * The TransitionLock: shared by threads that fill the packet queue or deliver to the host, exclusive
 * around the three transitions that must not happen in between. Used like RCU: the shared side is one
 * store and one load on a cache line of its own, the exclusive side waits for each thread in turn.
 *
 * Shared: LOCK = 1, then look at TRANSITION; if somebody transits, step back and wait. Exclusive:
 * TRANSITION = who, then wait until every LOCK is 0. Each side writes before it reads, so they
 * cannot miss each other; new shared holders step back, so the exclusive side gets in after one hold
 * of each thread, however many come.
 *
 * The exclusive side must hold the CONTROL mutex: there is never more than one. A thread that holds
 * the lock shared must not ask for it exclusive, nor shared again; nothing that may call back into
 * the adapter runs under it.
 *
 * Source: docs/driver-contract.md, section 4.
 */

import type { Company } from './company.ts';
import { ParticipantWord, participantIndex, Word } from './layout.ts';
import { LIVENESS_CHECK_MS } from './mutex.ts';
import type { Liveness } from './participants.ts';
import { parkOnWord } from './wake.ts';

const FREE = 0;

export class TransitionLock {
  readonly #words: Int32Array;
  readonly #participant: number;
  readonly #liveness: Liveness;
  readonly #company: Company;
  readonly #own: number;

  /** A view of the lock in the adapter's memory for one participant. */
  constructor(words: Int32Array, participant: number, liveness: Liveness, company: Company) {
    this.#words = words;
    this.#participant = participant;
    this.#liveness = liveness;
    this.#company = company;
    this.#own = participantIndex(participant, ParticipantWord.LOCK);
  }

  /** Takes the lock shared; waits while a transition is under way. */
  enterShared(): void {
    if (this.#company.alone) return;
    const words = this.#words;
    for (;;) {
      Atomics.store(words, this.#own, 1);
      const holder = Atomics.load(words, Word.TRANSITION);
      if (holder === FREE) return;
      this.#stepBack();
      parkOnWord(words, Word.TRANSITION, holder, LIVENESS_CHECK_MS);
      this.#releaseIfDead(holder);
    }
  }

  /** Gives the shared lock back. */
  leaveShared(): void {
    if (this.#company.alone) return;
    Atomics.store(this.#words, this.#own, 0);
    if (Atomics.load(this.#words, Word.TRANSITION) !== FREE) {
      Atomics.notify(this.#words, this.#own);
    }
  }

  /**
   * Takes the lock exclusive: when it returns, no thread holds it shared. Under CONTROL. Returns
   * whether a thread had died holding it.
   */
  enterExclusive(): boolean {
    const words = this.#words;
    // Waiting for ourselves would be for ever.
    if (Atomics.load(words, this.#own) !== 0) throw new Error('the TransitionLock is held shared');
    // What a dead predecessor left here is ours now: CONTROL says that nobody else transits.
    Atomics.store(words, Word.TRANSITION, this.#participant + 1);
    const participants = Atomics.load(words, Word.PARTICIPANTS);
    let died = false;
    for (let i = 0; i < participants; i++) {
      if (i !== this.#participant && this.#awaitShared(i)) died = true;
    }
    return died;
  }

  /** Gives the exclusive lock back. */
  leaveExclusive(): void {
    Atomics.store(this.#words, Word.TRANSITION, FREE);
    Atomics.notify(this.#words, Word.TRANSITION);
  }

  /** A participant died; if it held the lock exclusive, nobody does any more. Under CONTROL. */
  forget(participant: number): void {
    if (Atomics.load(this.#words, Word.TRANSITION) === participant + 1) this.leaveExclusive();
  }

  #stepBack(): void {
    Atomics.store(this.#words, this.#own, 0);
    Atomics.notify(this.#words, this.#own);
  }

  /** Waits until that thread does not hold the lock; returns whether it died holding it. */
  #awaitShared(participant: number): boolean {
    const words = this.#words;
    const lock = participantIndex(participant, ParticipantWord.LOCK);
    while (Atomics.load(words, lock) !== 0) {
      parkOnWord(words, lock, 1, LIVENESS_CHECK_MS);
      if (Atomics.load(words, lock) === 0) break;
      if (this.#liveness.isAlive(participant)) continue;
      // No new thread can have this block yet: burying takes CONTROL, which we hold.
      Atomics.store(words, lock, 0);
      return true;
    }
    return false;
  }

  /** A thread that died while it held the lock exclusive has changed its one word, or it has not. */
  #releaseIfDead(holder: number): void {
    const words = this.#words;
    if (Atomics.load(words, Word.TRANSITION) !== holder) return;
    if (this.#liveness.isAlive(holder - 1)) return;
    if (Atomics.compareExchange(words, Word.TRANSITION, holder, FREE) === holder) {
      Atomics.notify(words, Word.TRANSITION);
    }
  }
}
