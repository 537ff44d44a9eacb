/**
 * What the holder of a lane's TAKE mutex is about to move between the queue and its hand. Such a move
 * changes two words; after a death between the two stores the hand can be set right from the queue's
 * HEAD and TAIL.
 */

import type { Company } from './company.ts';
import { JournalKind, LaneWord, laneIndex, ParticipantWord, participantIndex } from './layout.ts';
import type { PacketQueue } from './packet-queue.ts';

export class Journal {
  readonly #words: Int32Array;
  readonly #company: Company;
  readonly #kind: number;
  readonly #at: number;
  readonly #before: number;
  readonly #after: number;

  constructor(words: Int32Array, lane: number, company: Company) {
    this.#words = words;
    this.#company = company;
    this.#kind = laneIndex(lane, LaneWord.JOURNAL_KIND);
    this.#at = laneIndex(lane, LaneWord.JOURNAL_AT);
    this.#before = laneIndex(lane, LaneWord.JOURNAL_BEFORE);
    this.#after = laneIndex(lane, LaneWord.JOURNAL_AFTER);
  }

  /** The queue's HEAD or TAIL is about to move away from `at`, and the hand from `before` to `after`. */
  begin(kind: number, at: number, before: number, after: number): void {
    if (this.#company.alone) return;
    Atomics.store(this.#words, this.#at, at);
    Atomics.store(this.#words, this.#before, before);
    Atomics.store(this.#words, this.#after, after);
    Atomics.store(this.#words, this.#kind, kind);
  }

  /** The move is made. */
  end(): void {
    if (!this.#company.alone) Atomics.store(this.#words, this.#kind, JournalKind.NONE);
  }

  /**
   * Sets the queue and the hand of `participant` right, which died holding TAKE. By the thread that
   * took the mutex over.
   */
  recover(participant: number, queue: PacketQueue): void {
    queue.recover();
    const words = this.#words;
    const kind = Atomics.load(words, this.#kind);
    if (kind === JournalKind.NONE) return;
    const now = kind === JournalKind.HEAD ? queue.head : queue.tail;
    const moved = now !== Atomics.load(words, this.#at);
    const packets = Atomics.load(words, moved ? this.#after : this.#before);
    Atomics.store(words, participantIndex(participant, ParticipantWord.HAND), packets);
    Atomics.store(words, this.#kind, JournalKind.NONE);
  }
}
