/** What the threads that use one TUN device share of it besides the descriptor. */

import { MAX_PARTICIPANTS } from '../../limits.ts';

const TunWord = {
  /** 1 when the link is closed, or its device gone. */
  CLOSED: 0,
  MTU: 1,
  /** Packets the kernel queues for the device. */
  HOST_QUEUE_LENGTH: 2,
  /** Packets the kernel had dropped when the owner last asked. */
  HOST_DROPS: 3,
  /** 1 when the link was shared: other threads may wait for it, and hold descriptors of it. */
  SHARED: 4,
  /** Counts down: stamps for eventfds on a kernel that does not number them. */
  STAMPS: 5,
  /** From here on the eventfd of each participant, in the thread that made it. */
  EVENT_FDS: 8,
  /** From here on which one it is (parking.ts), 0 where there is none. */
  EVENT_STAMPS: 8 + MAX_PARTICIPANTS,
} as const;

const WORDS: number = TunWord.EVENT_STAMPS + MAX_PARTICIPANTS;

export class TunMemory {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  /** A view of `buffer`, or of new memory. */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT);
    this.#words = new Int32Array(this.buffer);
  }

  get closed(): boolean {
    return Atomics.load(this.#words, TunWord.CLOSED) !== 0;
  }

  close(): void {
    Atomics.store(this.#words, TunWord.CLOSED, 1);
  }

  /** Bytes. */
  get mtu(): number {
    return Atomics.load(this.#words, TunWord.MTU);
  }

  set mtu(mtu: number) {
    Atomics.store(this.#words, TunWord.MTU, mtu);
  }

  get hostQueueLength(): number {
    return Atomics.load(this.#words, TunWord.HOST_QUEUE_LENGTH);
  }

  set hostQueueLength(packets: number) {
    Atomics.store(this.#words, TunWord.HOST_QUEUE_LENGTH, packets);
  }

  get hostDrops(): number {
    return Atomics.load(this.#words, TunWord.HOST_DROPS) >>> 0;
  }

  set hostDrops(packets: number) {
    Atomics.store(this.#words, TunWord.HOST_DROPS, packets | 0);
  }

  get shared(): boolean {
    return Atomics.load(this.#words, TunWord.SHARED) !== 0;
  }

  share(): void {
    Atomics.store(this.#words, TunWord.SHARED, 1);
  }

  /** What a participant's eventfd was published as, 0 when it has none. To be read before its number. */
  eventStamp(participant: number): number {
    return Atomics.load(this.#words, TunWord.EVENT_STAMPS + participant);
  }

  /** The number of a participant's eventfd; whether it still stands for that is to be looked at. */
  eventFd(participant: number): number {
    return Atomics.load(this.#words, TunWord.EVENT_FDS + participant);
  }

  /** Gives a participant its eventfd. The stamp last: it says that there is one. */
  publishEvent(participant: number, fd: number, stamp: number): void {
    Atomics.store(this.#words, TunWord.EVENT_STAMPS + participant, 0);
    Atomics.store(this.#words, TunWord.EVENT_FDS + participant, fd);
    Atomics.store(this.#words, TunWord.EVENT_STAMPS + participant, stamp);
  }

  /** The eventfd published as `stamp` is gone. Does nothing when another has taken its place. */
  withdrawEvent(participant: number, stamp: number): void {
    Atomics.compareExchange(this.#words, TunWord.EVENT_STAMPS + participant, stamp, 0);
  }

  /** A stamp below 0 that no eventfd of this adapter had before. */
  nextStamp(): number {
    return Atomics.sub(this.#words, TunWord.STAMPS, 1) - 1;
  }
}
