/**
 * The part of an in-memory device that lies in shared memory, as one thread sees it: a few words and
 * the two queues. The host's thread sends into one queue and receives from the other; every thread
 * that uses the adapter takes from the one and gives into the other.
 *
 * Each queue has a mutex of its own, which outlives the death of a thread that holds it.
 */

import { ENTRY_HEADER_BYTES } from '../../limits.ts';
import { OWNER } from '../../sync/layout.ts';
import { Mutex, NOBODY } from '../../sync/mutex.ts';
import { PacketQueue, type QueueTakeResult } from '../../sync/packet-queue.ts';
import type { Liveness } from '../../sync/participants.ts';
import { isPacket } from '../../wire/bundle.ts';
import type { LinkToken, TakeResult } from '../link.ts';

/** Shared words of a device. */
export const DeviceWord = {
  /** 1 when the device was removed. */
  GONE: 0,
  /** 1 while it is up. */
  UP: 1,
  MTU: 2,
  /** 1 while somebody listens on the adapter. */
  MEDIA: 3,
  /** Packets injected that no bundle can hold; the next take reports and forgets them. */
  OVERSIZE: 4,
  /** Packets injected that are not IP; the next take reports and forgets them. */
  UNREADABLE: 5,
  /** Packets dropped at the tail of the send queue, ever (modulo 2^32). */
  HOST_DROPS: 6,
  /** Packets that the device refused of what was given, not yet counted by the host. */
  REFUSED: 7,
  SEND_MUTEX: 8,
  RECEIVE_MUTEX: 9,
  /** Grows when the host has something to do: packets given, refused, or the device gone. */
  RECEIVED: 10,
} as const;

/** Bytes of the words. */
export const DEVICE_WORDS_BYTES = 64;

/** What a device has in shared memory. */
export type DeviceToken = Extract<LinkToken, { kind: 'memory' }>;

const ALWAYS_ALIVE: Liveness = { isAlive: () => true };

export class DeviceMemory {
  readonly words: Int32Array;
  readonly #sendQueue: PacketQueue;
  readonly #receiveQueue: PacketQueue;
  #sending: Mutex;
  #receiving: Mutex;

  constructor(token: Omit<DeviceToken, 'kind' | 'info'>) {
    this.words = new Int32Array(token.memory);
    this.#sendQueue = new PacketQueue(token.sendQueue, {
      maxPackets: token.hostQueueLength,
      policy: 'drop-newest',
    });
    this.#receiveQueue = new PacketQueue(token.receiveQueue, {
      maxPackets: token.receiveQueueLength,
      policy: 'drop-newest',
    });
    this.#sending = new Mutex(this.words, DeviceWord.SEND_MUTEX, OWNER, ALWAYS_ALIVE);
    this.#receiving = new Mutex(this.words, DeviceWord.RECEIVE_MUTEX, OWNER, ALWAYS_ALIVE);
  }

  /** Which participant this thread is, and who can tell whether the others still live. */
  join(participant: number, liveness: Liveness): void {
    this.#sending = new Mutex(this.words, DeviceWord.SEND_MUTEX, participant, liveness);
    this.#receiving = new Mutex(this.words, DeviceWord.RECEIVE_MUTEX, participant, liveness);
  }

  /** The value of a word (of `DeviceWord`). */
  get(word: number): number {
    return Atomics.load(this.words, word);
  }

  set(word: number, value: number): void {
    Atomics.store(this.words, word, value);
  }

  /** Adds to a count. */
  add(word: number, amount: number): void {
    if (amount > 0) Atomics.add(this.words, word, amount);
  }

  /** Reads a count and sets it to 0. */
  reset(word: number): number {
    return Atomics.exchange(this.words, word, 0);
  }

  get gone(): boolean {
    return this.get(DeviceWord.GONE) !== 0;
  }

  /** Whether a take would have something to report. */
  get readable(): boolean {
    return (
      this.#sendQueue.count + this.get(DeviceWord.OVERSIZE) + this.get(DeviceWord.UNREADABLE) > 0
    );
  }

  /** The bound of the send queue follows the MTU. */
  growSendQueue(bytes: number): void {
    this.#lockSending();
    this.#sendQueue.growTo(bytes);
    this.#sending.unlock();
  }

  /** Sets the one bound of the receive queue. */
  growReceiveQueue(bytes: number): void {
    this.#lockReceiving();
    this.#receiveQueue.growTo(bytes);
    this.#receiving.unlock();
  }

  /** Queues an entry for the adapter; false when the queue is full. */
  send(bytes: Uint8Array, offset: number, length: number): boolean {
    this.#lockSending();
    const dropped = this.#sendQueue.push(bytes, offset, length);
    this.#sending.unlock();
    return dropped === 0;
  }

  /** The adapter takes what the host has sent, as `Link.take` does. */
  takeSent(bytes: Uint8Array, offset: number, maxPackets: number, result: TakeResult): number {
    this.#lockSending();
    const length = this.#sendQueue.peek(bytes, offset, maxPackets, result);
    result.note(result.packets);
    this.#sendQueue.removePeeked();
    this.#sending.unlock();
    return length;
  }

  /**
   * Takes an entry for the host. False when it is down, has no room, or the packet is not IP (any
   * more: a bundle's memory may be shared with a thread that changes it).
   */
  receive(bytes: Uint8Array, offset: number, length: number): boolean {
    if (this.get(DeviceWord.UP) === 0) return false;
    if (!isPacket(bytes[offset + ENTRY_HEADER_BYTES]!, length)) return false;
    this.#lockReceiving();
    const dropped = this.#receiveQueue.push(bytes, offset, length);
    this.#receiving.unlock();
    return dropped === 0;
  }

  /** The host takes one entry of what it was given; 0 bytes when there is none. */
  takeReceived(bytes: Uint8Array, result: QueueTakeResult): number {
    this.#lockReceiving();
    const length = this.#receiveQueue.take(bytes, 0, 1, result);
    this.#receiving.unlock();
    return length;
  }

  /** Empties both queues; returns how many packets were on their way to the adapter. */
  clear(): number {
    this.#lockSending();
    const cleared = this.#sendQueue.live;
    this.#sendQueue.clear();
    this.#sending.unlock();
    this.#lockReceiving();
    this.#receiveQueue.clear();
    this.#receiving.unlock();
    return cleared + this.reset(DeviceWord.OVERSIZE) + this.reset(DeviceWord.UNREADABLE);
  }

  /** Tells the host's thread that there is something to do. */
  signal(): void {
    Atomics.add(this.words, DeviceWord.RECEIVED, 1);
    Atomics.notify(this.words, DeviceWord.RECEIVED);
  }

  /** Takes over, and gives back, what a thread that died held of the mutexes. */
  bury(): void {
    this.#lockSending();
    this.#sending.unlock();
    this.#lockReceiving();
    this.#receiving.unlock();
  }

  #lockSending(): void {
    if (this.#sending.lock() !== NOBODY) this.#sendQueue.recover();
  }

  #lockReceiving(): void {
    if (this.#receiving.lock() !== NOBODY) this.#receiveQueue.recover();
  }
}
