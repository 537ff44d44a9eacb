/**
 * The packets in a thread's hand: taken from the host or from the queue, and not yet handed over,
 * queued or dropped. Their number is in shared memory, so that when the thread dies they are counted
 * and nothing is lost silently.
 *
 * Moving packets between hand and queue changes two words, for which the lane keeps a journal
 * (journal.ts).
 *
 * What stays inexact: a packet whose system call had just returned when the thread was terminated is
 * not in its hand yet; and of a bundle whose thread died while it counted it as read, the statistics
 * may lack a part.
 */

import type { Company } from './company.ts';
import type { Lane } from './lane.ts';
import { JournalKind, ParticipantWord, participantIndex } from './layout.ts';
import type { QueueTakeResult } from './packet-queue.ts';

export class Hand {
  readonly #words: Int32Array;
  readonly #company: Company;
  readonly #index: number;
  /** What the shared word says, which only this thread changes while it lives. */
  #packets = 0;

  constructor(words: Int32Array, participant: number, company: Company) {
    this.#words = words;
    this.#company = company;
    this.#index = participantIndex(participant, ParticipantWord.HAND);
  }

  /** Packets in hand. */
  get packets(): number {
    return this.#packets;
  }

  /** Takes packets from the lane's queue into `bytes` and into the hand, which is empty. Under TAKE. */
  take(lane: Lane, bytes: Uint8Array, max: number, result: QueueTakeResult): number {
    const { journal, queue } = lane;
    const length = queue.peek(bytes, 0, max, result);
    journal.begin(JournalKind.HEAD, queue.head, 0, result.packets);
    // The hand first: whoever looks at the queue and then at the hands sees them in one of the two.
    this.#set(result.packets);
    queue.removePeeked();
    journal.end();
    return length;
  }

  /**
   * Queues the entry at `offset` in the lane, out of the hand; false when the queue refused it, which leaves it in
   * the hand. `dropped` tells of older packets dropped for it. Under TAKE.
   */
  queue(
    lane: Lane,
    bytes: Uint8Array,
    offset: number,
    length: number,
    dropped: (packets: number) => void,
  ): boolean {
    const { journal, queue } = lane;
    const { tail } = queue;
    const inHand = this.packets;
    journal.begin(JournalKind.TAIL, tail, inHand, inHand - 1);
    const lost = queue.push(bytes, offset, length);
    const queued = queue.tail !== tail;
    if (queued) this.drop(1);
    journal.end();
    if (queued && lost > 0) dropped(lost);
    return queued;
  }

  /**
   * Puts the entry at `offset` at the head of the lane's queue, out of the hand; false when there is no
   * place. Under TAKE.
   */
  putBack(lane: Lane, bytes: Uint8Array, offset: number, length: number): boolean {
    const { journal, queue } = lane;
    const inHand = this.packets;
    journal.begin(JournalKind.HEAD, queue.head, inHand, inHand - 1);
    const queued = queue.pushHead(bytes, offset, length);
    if (queued) this.drop(1);
    journal.end();
    return queued;
  }

  /**
   * Takes everything out of the lane's queue, to be dropped, into the hand, which is empty. Returns how many
   * packets those are, withdrawn ones not included. Under TAKE.
   */
  clear(lane: Lane): number {
    const { journal, queue } = lane;
    const packets = queue.live;
    journal.begin(JournalKind.HEAD, queue.head, 0, packets);
    this.#set(packets);
    queue.clear();
    journal.end();
    return packets;
  }

  /** Packets came from the host. */
  add(packets: number): void {
    this.#set(this.#packets + packets);
  }

  /** Packets left the hand: they are counted elsewhere. */
  drop(packets: number): void {
    this.#set(this.#packets - packets);
  }

  /** The bundle is handed over: from now on only its counting is left. */
  handOver(): void {
    this.#set(-this.#packets);
  }

  /** All of it is done with. */
  empty(): void {
    this.#set(0);
  }

  #set(packets: number): void {
    this.#packets = packets;
    if (!this.#company.alone) Atomics.store(this.#words, this.#index, packets);
  }
}
