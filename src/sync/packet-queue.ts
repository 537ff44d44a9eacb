/**
 * The bounded packet queue in shared memory: what the host stack has sent and no read has taken.
 *
 * A packet is queued as its whole bundle entry, header and padding included, so that filling and
 * taking are one copy each and this room needs to know nothing of the format but its length.
 *
 * Two rings. Descriptors (offset of the entry, length of its packet, cancel id, in order) and bytes,
 * in which each entry lies in one piece; one that does not fit before the end of the byte ring starts
 * over at 0, and the gap is given back when the entries in front of it are gone.
 *
 * ```
 * words:  | header (QueueWord) | descriptor 0 | descriptor 1 | ...        (4 words each)
 * bytes:  | ...free... | head entry | entry | ... | last entry | ...free... |
 *                      ^ offset of descriptor HEAD             ^ end of descriptor TAIL - 1
 * ```
 *
 * Bounds: `maxPackets`, and `maxBytes` counted as entries in a bundle (16 + length, rounded up to
 * 16). Over either, `drop-oldest` discards from the head, `drop-newest` refuses the new packet.
 *
 * Used by one thread at a time: its users hold a mutex. Each change becomes true with the one store
 * to HEAD or TAIL that comes last, so that a thread that dies in the middle has either made it or
 * not; {@link PacketQueue.recover} sets right what follows from those two. {@link PacketQueue.count}
 * may be read without the mutex. Allocates nothing per packet.
 *
 * Source: docs/driver-contract.md, section 5.
 */

import { CopyArea, copyBytes } from '../copy.ts';
import { entryBytes } from '../limits.ts';
import { WORD_BYTES } from './layout.ts';
import {
  CANCELLED,
  DESCRIPTOR_SHIFT,
  DescriptorWord,
  dataStart,
  descriptorCount,
  HEADER_WORDS,
  NO_CANCEL_ID,
  packetQueueBytes,
  QueueWord,
  RING_SLACK_BYTES,
} from './queue-layout.ts';

export type DropPolicy = (typeof DROP_POLICIES)[number];

export const DROP_POLICIES = ['drop-oldest', 'drop-newest'] as const;

export interface PacketQueueOptions {
  /** Packets, at least 1. Must not exceed what the memory was made for. */
  readonly maxPackets: number;
  readonly policy: DropPolicy;
}

/** What a take moved; the caller owns and reuses it. */
export interface QueueTakeResult {
  /** Packets. */
  packets: number;
  /** Their bytes, entry headers not included. */
  octets: number;
}

export class PacketQueue {
  readonly #words: Int32Array;
  readonly #data: CopyArea;
  readonly #mask: number;
  readonly #maxPackets: number;
  readonly #policy: DropPolicy;
  #foreign: CopyArea;
  #peeked = 0;

  /**
   * A view of the queue in `byteLength` bytes of `memory` from `byteOffset` (a multiple of 4) on, by
   * default all there are. Its bound is 0 in zeroed memory: {@link PacketQueue.growTo} sets it, once, by whoever made the memory.
   */
  constructor(
    memory: SharedArrayBuffer,
    options: PacketQueueOptions,
    byteOffset = 0,
    byteLength: number = memory.byteLength - byteOffset,
  ) {
    const start = dataStart(options.maxPackets);
    const room = byteLength;
    if (packetQueueBytes(options.maxPackets, 0) > room) {
      throw new RangeError(
        `a queue of ${options.maxPackets} packets does not fit the ${room} bytes of its memory`,
      );
    }
    this.#words = new Int32Array(memory, byteOffset, start / WORD_BYTES);
    this.#data = new CopyArea(new Uint8Array(memory, byteOffset + start, byteLength - start));
    this.#foreign = this.#data;
    this.#mask = descriptorCount(options.maxPackets) - 1;
    this.#maxPackets = options.maxPackets;
    this.#policy = options.policy;
  }

  /** Packets queued, those withdrawn included until they have come to the head. */
  get count(): number {
    // HEAD first: it only grows while nothing is put in, so that 0 means that it was empty.
    const head = this.head;
    return (this.#tail - head) | 0;
  }

  /** Number of the oldest packet. Wraps around at 32 bits. */
  get head(): number {
    return Atomics.load(this.#words, QueueWord.HEAD);
  }

  /** Number of the packet to come. Wraps around at 32 bits. */
  get tail(): number {
    return this.#tail;
  }

  /** Entry bytes queued. */
  get byteCount(): number {
    return Atomics.load(this.#words, QueueWord.BYTES);
  }

  /** The byte bound. */
  get maxBytes(): number {
    return Atomics.load(this.#words, QueueWord.MAX_BYTES);
  }

  /** Raises the byte bound to `maxBytes` if that is more, as far as the memory goes. */
  growTo(maxBytes: number): void {
    const limit = this.#data.bytes.byteLength - RING_SLACK_BYTES;
    const wanted = Math.min(maxBytes, limit);
    if (wanted > this.maxBytes) Atomics.store(this.#words, QueueWord.MAX_BYTES, wanted);
    this.#growRing();
  }

  /**
   * Queues a copy of the bundle entry at `offset`, whose packet has `length` bytes. Returns the
   * packets dropped for it: the oldest ones, or 1 for this packet itself under `drop-newest` (or
   * when it is larger than the byte bound). 0 when nothing was lost. `cancelId` is what
   * {@link PacketQueue.cancel} knows it by.
   */
  push(bytes: Uint8Array, offset: number, length: number, cancelId: number = NO_CANCEL_ID): number {
    const entry = entryBytes(length);
    if (entry > this.maxBytes) return 1;
    let dropped = 0;
    while (!this.#hasRoom(entry)) {
      if (this.#policy === 'drop-newest') return 1;
      dropped += this.#dropHead();
    }
    if (this.count === 0) this.#growRing();
    const at = this.#placeAtEnd(entry);
    copyBytes(this.#area(bytes), offset, this.#data, at, entry);
    const tail = this.#tail;
    this.#describe(tail, at, length, cancelId);
    Atomics.store(this.#words, QueueWord.BYTES, this.byteCount + entry);
    Atomics.store(this.#words, QueueWord.TAIL, (tail + 1) | 0);
    return dropped;
  }

  /**
   * Puts an entry in front of all others: one that was taken and did not fit its reader's bundle.
   * It may exceed the byte bound by itself. Returns false, with nothing changed, when all packet
   * places are taken: it is then the oldest of too many and is to be counted as dropped.
   */
  pushHead(bytes: Uint8Array, offset: number, length: number): boolean {
    const { count } = this;
    const entry = entryBytes(length);
    const at = count === 0 ? 0 : this.#placeAtHead(entry);
    if (count >= this.#maxPackets || at < 0) return false;
    copyBytes(this.#area(bytes), offset, this.#data, at, entry);
    const head = (this.head - 1) | 0;
    this.#describe(head, at, length, NO_CANCEL_ID);
    Atomics.store(this.#words, QueueWord.BYTES, this.byteCount + entry);
    Atomics.store(this.#words, QueueWord.HEAD, head);
    return true;
  }

  /**
   * Copies entries, oldest first, into `bytes` from `offset` (a multiple of 16) on, until one does
   * not fit, `maxPackets` are copied, or there are no more. Returns the bytes written; `result` is
   * overwritten. They stay queued until {@link PacketQueue.removePeeked}.
   */
  peek(bytes: Uint8Array, offset: number, maxPackets: number, result: QueueTakeResult): number {
    result.packets = 0;
    result.octets = 0;
    const area = this.#area(bytes);
    const { head, count } = this;
    let at = offset;
    let i = 0;
    for (; i < count && result.packets < maxPackets; i++) {
      const length = this.#lengthAt(head + i);
      if (length < 0) continue;
      const entry = entryBytes(length);
      if (at + entry > bytes.byteLength) break;
      copyBytes(this.#data, this.#offsetAt(head + i), area, at, entry);
      at += entry;
      result.packets++;
      result.octets += length;
    }
    this.#peeked = i;
    return at - offset;
  }

  /** Removes what the last {@link PacketQueue.peek}, under the same hold of the mutex, passed by. */
  removePeeked(): void {
    const { head } = this;
    let bytes = 0;
    for (let i = 0; i < this.#peeked; i++) {
      bytes += entryBytes(this.#lengthAt(head + i) & ~CANCELLED);
    }
    Atomics.store(this.#words, QueueWord.BYTES, this.byteCount - bytes);
    Atomics.store(this.#words, QueueWord.HEAD, (head + this.#peeked) | 0);
    this.#peeked = 0;
  }

  /** {@link PacketQueue.peek}, then {@link PacketQueue.removePeeked}. */
  take(bytes: Uint8Array, offset: number, maxPackets: number, result: QueueTakeResult): number {
    const length = this.peek(bytes, offset, maxPackets, result);
    this.removePeeked();
    return length;
  }

  /**
   * Withdraws the packets that were queued under `cancelId` and returns how many those were. The
   * order of the rest is untouched. They keep their places until they come to the head.
   */
  cancel(cancelId: number): number {
    const { head, count } = this;
    let cancelled = 0;
    for (let i = 0; i < count; i++) {
      const word = this.#descriptor(head + i);
      const length = Atomics.load(this.#words, word + DescriptorWord.LENGTH);
      if (length < 0) continue;
      if (Atomics.load(this.#words, word + DescriptorWord.CANCEL_ID) !== cancelId) continue;
      Atomics.store(this.#words, word + DescriptorWord.LENGTH, length | CANCELLED);
      cancelled++;
    }
    return cancelled;
  }

  /** Packets queued, withdrawn ones not included. */
  get live(): number {
    const { head, count } = this;
    let live = 0;
    for (let i = 0; i < count; i++) if (this.#lengthAt(head + i) >= 0) live++;
    return live;
  }

  /** Discards everything. */
  clear(): void {
    Atomics.store(this.#words, QueueWord.BYTES, 0);
    Atomics.store(this.#words, QueueWord.HEAD, this.#tail);
  }

  /** Sets right what a thread that died in the middle of a change may have left. */
  recover(): void {
    const { head, count } = this;
    let bytes = 0;
    for (let i = 0; i < count; i++) bytes += entryBytes(this.#lengthAt(head + i) & ~CANCELLED);
    Atomics.store(this.#words, QueueWord.BYTES, bytes);
  }

  get #tail(): number {
    return Atomics.load(this.#words, QueueWord.TAIL);
  }

  #hasRoom(entry: number): boolean {
    return this.count < this.#maxPackets && this.byteCount + entry <= this.maxBytes;
  }

  /** Enlarges the byte ring when no packet lies in the part that would move: it is not wrapped. */
  #growRing(): void {
    const wanted = this.maxBytes + RING_SLACK_BYTES;
    const wrapped = this.count > 0 && this.#dataEnd <= this.#offsetAt(this.head);
    if (!wrapped) Atomics.store(this.#words, QueueWord.RING_BYTES, wanted);
  }

  /** Offset behind the newest entry. An empty queue starts over, to stay within few cache lines. */
  get #dataEnd(): number {
    if (this.count === 0) return 0;
    const newest = this.#tail - 1;
    return this.#offsetAt(newest) + entryBytes(this.#lengthAt(newest) & ~CANCELLED);
  }

  get #ringBytes(): number {
    return Math.min(Atomics.load(this.#words, QueueWord.RING_BYTES), this.#data.bytes.byteLength);
  }

  /** Where an entry goes at the end of the ring. The bounds guarantee the room. */
  #placeAtEnd(entry: number): number {
    const end = this.#dataEnd;
    return end + entry <= this.#ringBytes ? end : 0;
  }

  /** Where an entry goes in front of the head, or -1. */
  #placeAtHead(entry: number): number {
    const head = this.#offsetAt(this.head);
    const end = this.#dataEnd;
    if (end <= head) return head - entry >= end ? head - entry : -1;
    if (head >= entry) return head - entry;
    return this.#ringBytes - entry >= end ? this.#ringBytes - entry : -1;
  }

  /** Discards the oldest; returns 1, or 0 when it was withdrawn anyway. */
  #dropHead(): number {
    const { head } = this;
    const length = this.#lengthAt(head);
    const entry = entryBytes(length & ~CANCELLED);
    Atomics.store(this.#words, QueueWord.BYTES, this.byteCount - entry);
    Atomics.store(this.#words, QueueWord.HEAD, (head + 1) | 0);
    return length < 0 ? 0 : 1;
  }

  #descriptor(number: number): number {
    return HEADER_WORDS + ((number & this.#mask) << DESCRIPTOR_SHIFT);
  }

  #describe(number: number, offset: number, length: number, cancelId: number): void {
    const word = this.#descriptor(number);
    Atomics.store(this.#words, word + DescriptorWord.OFFSET, offset);
    Atomics.store(this.#words, word + DescriptorWord.LENGTH, length);
    Atomics.store(this.#words, word + DescriptorWord.CANCEL_ID, cancelId);
  }

  #offsetAt(number: number): number {
    return Atomics.load(this.#words, this.#descriptor(number) + DescriptorWord.OFFSET);
  }

  /** Length of the packet; negative when it was withdrawn. */
  #lengthAt(number: number): number {
    return Atomics.load(this.#words, this.#descriptor(number) + DescriptorWord.LENGTH);
  }

  /** The copy area of a foreign buffer; made again only when the buffer is another one. */
  #area(bytes: Uint8Array): CopyArea {
    if (!this.#foreign.matches(bytes)) this.#foreign = new CopyArea(bytes);
    return this.#foreign;
  }
}
