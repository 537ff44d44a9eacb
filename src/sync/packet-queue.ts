/**
 * The bounded packet queue in shared memory: what the host stack has sent and no read has taken.
 *
 * A packet is queued as its whole bundle entry, header and padding included, so that filling and
 * taking are one copy each and this room needs to know nothing of the format but its length.
 *
 * Two rings. Descriptors (offset of the entry, length of its packet, in order) and bytes, in which
 * each entry lies in one piece; one that does not fit before the end of the byte ring starts over
 * at 0, and the gap is given back when the entries in front of it are gone.
 *
 * ```
 * words:  | header (QueueWord) | descriptor 0 | descriptor 1 | ...        (2 words each)
 * bytes:  | ...free... | head entry | entry | ... | last entry | ...free... |
 *                      ^ offset of descriptor HEAD             ^ DATA_END
 * ```
 *
 * Bounds: `maxPackets`, and `maxBytes` counted as entries in a bundle (16 + length, rounded up to
 * 16). Over either, `drop-oldest` discards from the head, `drop-newest` refuses the new packet.
 *
 * Used by one thread at a time. Allocates nothing per packet.
 *
 * Source: docs/driver-contract.md, section 5.
 */

import { CopyArea, copyBytes } from '../copy.ts';
import { entryBytes, MAX_ENTRY_BYTES } from '../limits.ts';
import { WORD_BYTES } from './layout.ts';

export type DropPolicy = 'drop-oldest' | 'drop-newest';

export interface PacketQueueOptions {
  /** Packets, at least 1. Must not exceed what the memory was made for. */
  readonly maxPackets: number;
  /** Entry bytes, at least one entry of the largest size. Must not exceed the memory. */
  readonly maxBytes: number;
  readonly policy: DropPolicy;
}

/** What a take moved; the caller owns and reuses it. */
export interface QueueTakeResult {
  /** Packets. */
  packets: number;
  /** Their bytes, entry headers not included. */
  octets: number;
}

const QueueWord = {
  /** Descriptor slot of the oldest packet. */
  HEAD: 0,
  /** Packets queued. */
  COUNT: 1,
  /** Entry bytes queued. */
  BYTES: 2,
  /** Byte offset behind the newest packet. */
  DATA_END: 3,
  /** Bytes of the byte ring in use; grows with the bound, never shrinks. */
  RING_BYTES: 4,
} as const;

const HEADER_WORDS = 8;
const WORDS_PER_DESCRIPTOR = 2;

/**
 * Bytes the byte ring needs beyond the bound: one entry for the gap at its end, one for a packet
 * put back at the head of a full queue.
 */
const RING_SLACK_BYTES: number = 2 * MAX_ENTRY_BYTES;

function dataStart(maxPackets: number): number {
  return (HEADER_WORDS + maxPackets * WORDS_PER_DESCRIPTOR) * WORD_BYTES;
}

/** Bytes of shared memory a queue of at most `maxPackets` packets and `maxBytes` bytes takes. */
export function packetQueueBytes(maxPackets: number, maxBytes: number): number {
  return dataStart(maxPackets) + maxBytes + RING_SLACK_BYTES;
}

/** Makes memory for one queue. Pages that are never touched cost nothing. */
export function createPacketQueueMemory(maxPackets: number, maxBytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(packetQueueBytes(maxPackets, maxBytes));
}

export class PacketQueue {
  /** Index of the packet count within {@link words}: what a blocked reader watches. */
  static readonly COUNT: number = QueueWord.COUNT;

  readonly words: Int32Array;
  readonly #data: CopyArea;
  readonly #ringLimit: number;
  readonly #maxPackets: number;
  readonly #policy: DropPolicy;
  #maxBytes: number;
  #foreign: CopyArea;

  /** Attaches to zeroed `memory`, from `byteOffset` on (a multiple of 4). */
  constructor(memory: SharedArrayBuffer, options: PacketQueueOptions, byteOffset = 0) {
    const start = dataStart(options.maxPackets);
    if (packetQueueBytes(options.maxPackets, options.maxBytes) > memory.byteLength - byteOffset) {
      throw new RangeError(
        `a queue of ${options.maxPackets} packets and ${options.maxBytes} bytes does not fit the ${memory.byteLength - byteOffset} bytes of its memory`,
      );
    }
    this.words = new Int32Array(memory, byteOffset, start / WORD_BYTES);
    this.#data = new CopyArea(new Uint8Array(memory, byteOffset + start));
    this.#foreign = this.#data;
    this.#ringLimit = this.#data.bytes.byteLength;
    this.#maxPackets = options.maxPackets;
    this.#policy = options.policy;
    this.#maxBytes = options.maxBytes;
    this.growTo(options.maxBytes);
  }

  /** Packets queued. */
  get count(): number {
    return Atomics.load(this.words, QueueWord.COUNT);
  }

  /** Entry bytes queued. */
  get byteCount(): number {
    return Atomics.load(this.words, QueueWord.BYTES);
  }

  /** The byte bound. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Raises the byte bound to `maxBytes` if that is more; the memory must have been made for it. */
  growTo(maxBytes: number): void {
    this.#maxBytes = Math.max(
      this.#maxBytes,
      Math.min(maxBytes, this.#ringLimit - RING_SLACK_BYTES),
    );
    this.#growRing();
  }

  /**
   * Queues a copy of the bundle entry at `offset`, whose packet has `length` bytes. Returns the
   * packets dropped for it: the oldest ones, or 1 for this packet itself under `drop-newest` (or
   * when it is larger than the byte bound). 0 when nothing was lost.
   */
  push(bytes: Uint8Array, offset: number, length: number): number {
    const entry = entryBytes(length);
    if (entry > this.#maxBytes) return 1;
    let dropped = 0;
    while (!this.#hasRoom(entry)) {
      if (this.#policy === 'drop-newest') return 1;
      this.#dropHead();
      dropped++;
    }
    const count = this.count;
    if (count === 0) this.#rewind();
    const at = this.#placeAtEnd(entry);
    copyBytes(this.#area(bytes), offset, this.#data, at, entry);
    this.#describe((this.#head + count) % this.#maxPackets, at, length);
    Atomics.store(this.words, QueueWord.DATA_END, at + entry);
    Atomics.store(this.words, QueueWord.BYTES, this.byteCount + entry);
    Atomics.store(this.words, QueueWord.COUNT, count + 1);
    return dropped;
  }

  /**
   * Puts an entry in front of all others: one that was taken and did not fit its reader's bundle.
   * It may exceed the byte bound by itself. Returns false, with nothing changed, when all packet
   * places are taken: it is then the oldest of too many and is to be counted as dropped.
   */
  pushHead(bytes: Uint8Array, offset: number, length: number): boolean {
    const count = this.count;
    if (count === 0) return this.push(bytes, offset, length) === 0;
    const entry = entryBytes(length);
    const at = this.#placeAtHead(entry);
    if (count >= this.#maxPackets || at < 0) return false;
    copyBytes(this.#area(bytes), offset, this.#data, at, entry);
    const head = (this.#head + this.#maxPackets - 1) % this.#maxPackets;
    this.#describe(head, at, length);
    Atomics.store(this.words, QueueWord.HEAD, head);
    Atomics.store(this.words, QueueWord.BYTES, this.byteCount + entry);
    Atomics.store(this.words, QueueWord.COUNT, count + 1);
    return true;
  }

  /**
   * Moves entries, oldest first, into `bytes` from `offset` (a multiple of 16) on, until one does
   * not fit (it stays), `maxPackets` are moved, or the queue is empty. Returns the bytes written;
   * `result` is overwritten.
   */
  take(bytes: Uint8Array, offset: number, maxPackets: number, result: QueueTakeResult): number {
    result.packets = 0;
    result.octets = 0;
    const area = this.#area(bytes);
    let at = offset;
    while (result.packets < maxPackets && this.count > 0) {
      const length = this.#lengthAt(this.#head);
      const entry = entryBytes(length);
      if (at + entry > bytes.byteLength) break;
      copyBytes(this.#data, this.#offsetAt(this.#head), area, at, entry);
      at += entry;
      result.packets++;
      result.octets += length;
      this.#dropHead();
    }
    return at - offset;
  }

  /** Discards everything and returns how many packets that were. */
  clear(): number {
    const count = this.count;
    Atomics.store(this.words, QueueWord.COUNT, 0);
    Atomics.store(this.words, QueueWord.BYTES, 0);
    this.#rewind();
    return count;
  }

  get #head(): number {
    return Atomics.load(this.words, QueueWord.HEAD);
  }

  #hasRoom(entry: number): boolean {
    return this.count < this.#maxPackets && this.byteCount + entry <= this.#maxBytes;
  }

  /** Starts over at the front of the ring, so that a short queue stays within few cache lines. */
  #rewind(): void {
    Atomics.store(this.words, QueueWord.DATA_END, 0);
    this.#growRing();
  }

  /** Enlarges the byte ring when no packet lies in the part that would move: it is not wrapped. */
  #growRing(): void {
    const wanted = this.#maxBytes + RING_SLACK_BYTES;
    const wrapped = this.count > 0 && this.#dataEnd <= this.#offsetAt(this.#head);
    if (!wrapped) Atomics.store(this.words, QueueWord.RING_BYTES, wanted);
  }

  get #dataEnd(): number {
    return Atomics.load(this.words, QueueWord.DATA_END);
  }

  get #ringBytes(): number {
    return Math.min(Atomics.load(this.words, QueueWord.RING_BYTES), this.#ringLimit);
  }

  /** Where an entry goes at the end of the ring. The bounds guarantee the room. */
  #placeAtEnd(entry: number): number {
    const end = this.#dataEnd;
    return end + entry <= this.#ringBytes ? end : 0;
  }

  /** Where an entry goes in front of the head, or -1. */
  #placeAtHead(entry: number): number {
    const head = this.#offsetAt(this.#head);
    const end = this.#dataEnd;
    if (end <= head) return head - entry >= end ? head - entry : -1;
    if (head >= entry) return head - entry;
    return this.#ringBytes - entry >= end ? this.#ringBytes - entry : -1;
  }

  #dropHead(): void {
    const head = this.#head;
    const entry = entryBytes(this.#lengthAt(head));
    const count = this.count - 1;
    Atomics.store(this.words, QueueWord.HEAD, (head + 1) % this.#maxPackets);
    Atomics.store(this.words, QueueWord.BYTES, this.byteCount - entry);
    Atomics.store(this.words, QueueWord.COUNT, count);
  }

  #describe(slot: number, offset: number, length: number): void {
    const word = HEADER_WORDS + slot * WORDS_PER_DESCRIPTOR;
    Atomics.store(this.words, word, offset);
    Atomics.store(this.words, word + 1, length);
  }

  #offsetAt(slot: number): number {
    return Atomics.load(this.words, HEADER_WORDS + slot * WORDS_PER_DESCRIPTOR);
  }

  #lengthAt(slot: number): number {
    return Atomics.load(this.words, HEADER_WORDS + slot * WORDS_PER_DESCRIPTOR + 1);
  }

  /** The copy area of a foreign buffer; made again only when the buffer is another one. */
  #area(bytes: Uint8Array): CopyArea {
    if (!this.#foreign.matches(bytes)) this.#foreign = new CopyArea(bytes);
    return this.#foreign;
  }
}
