/**
 * A lane: one hardware queue of the device with all that belongs to it: the packet queue behind it,
 * the mutex under which both are taken from, and the numbers of what is given to readers. Threads of
 * different lanes do not meet. An adapter has one lane, unless it was made with more queues.
 *
 * While a lane has no readers, its hardware queue is a *source* of another lane: taken from under that
 * lane's mutex, by its readers (adapter/steering.ts).
 */

import type { Company } from './company.ts';
import { Journal } from './journal.ts';
import { LaneWord, laneIndex } from './layout.ts';
import { Mutex, NOBODY } from './mutex.ts';
import type { PacketQueue } from './packet-queue.ts';
import type { Liveness } from './participants.ts';

const TWO_TO_32 = 2 ** 32;

/** One thread's view of the adapter that a lane is part of. */
export interface LaneView {
  readonly words: Int32Array;
  /** This thread's number. */
  readonly participant: number;
  readonly liveness: Liveness;
  readonly company: Company;
}

export class Lane {
  /** The lane's number, which is that of its hardware queue. */
  readonly index: number;
  readonly queue: PacketQueue;
  readonly journal: Journal;
  readonly #words: Int32Array;
  readonly #company: Company;
  readonly #take: Mutex;
  readonly #low: number;
  readonly #high: number;
  readonly #sources: number;

  constructor(
    { words, participant, liveness, company }: LaneView,
    index: number,
    queue: PacketQueue,
  ) {
    this.index = index;
    this.queue = queue;
    this.journal = new Journal(words, index, company);
    this.#words = words;
    this.#company = company;
    this.#take = new Mutex(words, laneIndex(index, LaneWord.TAKE), participant, liveness);
    this.#low = laneIndex(index, LaneWord.SEQUENCE_LOW);
    this.#high = laneIndex(index, LaneWord.SEQUENCE_HIGH);
    this.#sources = laneIndex(index, LaneWord.SOURCES);
  }

  /** The hardware queues that are taken from for this lane, one bit each. Stays as it is under TAKE. */
  get sources(): number {
    return Atomics.load(this.#words, this.#sources);
  }

  /** Changes the sources while nobody takes from them. Under CONTROL. */
  changeSources(sources: number): void {
    this.lock();
    Atomics.store(this.#words, this.#sources, sources);
    this.unlock();
  }

  /**
   * Takes the lane's TAKE mutex, under which packets are taken, queued and numbered. Short, and never
   * nested, also not with that of another lane.
   */
  lock(): void {
    if (this.#company.alone) return;
    const dead = this.#take.lock();
    if (dead !== NOBODY) this.journal.recover(dead, this.queue);
  }

  unlock(): void {
    if (!this.#company.alone) this.#take.unlock();
  }

  /** Numbers the next `packets` given to a reader and returns the number of the first. Under TAKE. */
  nextSequence(packets: number): number {
    const words = this.#words;
    const low = Atomics.load(words, this.#low) >>> 0;
    const first = Atomics.load(words, this.#high) * TWO_TO_32 + low;
    const next = first + packets;
    // The high word first: a thread that dies in between leaves a gap, and never goes back.
    if (low + packets >= TWO_TO_32) {
      Atomics.store(words, this.#high, Math.floor(next / TWO_TO_32));
    }
    Atomics.store(words, this.#low, next | 0);
    return first;
  }
}
