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
  /** From here on one eventfd for each participant, 0 where there is none yet. */
  EVENT_FDS: 8,
} as const;

const WORDS: number = TunWord.EVENT_FDS + MAX_PARTICIPANTS;

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

  /** The eventfd of a participant, 0 when it has none. */
  eventFd(participant: number): number {
    return Atomics.load(this.#words, TunWord.EVENT_FDS + participant);
  }

  /** Gives a participant number its eventfd, which later threads of that number use, too. */
  setEventFd(participant: number, fd: number): void {
    Atomics.store(this.#words, TunWord.EVENT_FDS + participant, fd);
  }

  /** All eventfds, which are then forgotten: their taker closes them. */
  takeEventFds(): number[] {
    const found: number[] = [];
    for (let i = TunWord.EVENT_FDS; i < WORDS; i++) {
      const fd = Atomics.exchange(this.#words, i, 0);
      if (fd > 0) found.push(fd);
    }
    return found;
  }
}
