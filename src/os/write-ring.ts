/**
 * Many writes in one system call: an io_uring of the calling thread, which every link of the thread
 * uses. A write through it costs two thirds of a call of its own; and what the writes wake runs after
 * the last of them, which for TCP is worth far more (docs/performance.md).
 *
 * What is written may be anybody's memory, without a copy: the kernel only reads it, and does so no longer
 * than {@link WriteRing.submit} takes, as a plain `write` would. The counts in the rings say exactly what
 * is under way: what the kernel took less what it answered for. `submit` does not return before they are
 * equal, whatever errors the kernel reports; and should it be thrown out of (a stack that overflows), the
 * next {@link WriteRing.begin} waits for what was left. A thread that is terminated cannot be held up:
 * if that happens between an interrupted call and the next, a write that is not done by then may send what
 * its memory holds later on. A write to a TUN is done when it was submitted.
 *
 * Source: io_uring_enter(2), linux/io_uring.h.
 */

import { TunError } from '../errors.ts';
import { Address, addressOf } from './address.ts';
import { closeOwned } from './descriptors.ts';
import { Errno, errnoName, libc } from './libc.ts';
import {
  COMPLETION_RESULT,
  COMPLETION_WORDS_SHIFT,
  ENTRY_WORDS_SHIFT,
  GET_EVENTS,
  openRingMemory,
  RING_ENTRIES,
  type RingMemory,
  unavailable,
} from './ring-memory.ts';

/** Writes that one submission can hold. */
export const RING_WRITES: number = RING_ENTRIES;

/** Words of an entry. */
const Entry = { OPCODE: 0, FD: 1, ADDRESS_LOW: 4, ADDRESS_HIGH: 5, BYTES: 6, NUMBER: 8 } as const;
/** `IORING_OP_WRITE` (since 5.6). */
const OP_WRITE = 23;

/** `EFD_NONBLOCK | EFD_CLOEXEC` (sys/eventfd.h). */
const EVENTFD_FLAGS = 0o2004000;
const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

/** For how long the kernel is left alone, in ms, when it does not answer for what it has begun. */
const PAUSE_MS = 1;
const NOTHING = new Uint8Array(0);

/** By which signed integers compare as unsigned ones. */
const SIGN: number = 1 << 31;

export class WriteRing {
  /** For each write of the last {@link submit}: the bytes written, or a negative error number. */
  readonly results: Int32Array = new Int32Array(RING_WRITES);
  readonly #fd: number;
  readonly #words: Int32Array;
  /** Where the counts lie: of writes added, taken by the kernel, answered by it, and heard by us. */
  readonly #tail: number;
  readonly #taken: number;
  readonly #done: number;
  readonly #heard: number;
  readonly #tailMask: number;
  readonly #doneMask: number;
  readonly #entries: number;
  readonly #completions: number;
  #queued = 0;

  private constructor(memory: RingMemory) {
    this.#fd = memory.fd;
    this.#words = memory.words;
    this.#tail = memory.tail;
    this.#taken = memory.taken;
    this.#heard = memory.heard;
    this.#done = memory.done;
    this.#entries = memory.entries;
    this.#completions = memory.completions;
    this.#tailMask = memory.tailMask;
    this.#doneMask = memory.doneMask;
    for (let i = 0; i < RING_WRITES; i++) this.#words[this.#entry(i) + Entry.OPCODE] = OP_WRITE;
  }

  /**
   * Makes one, and proves with an eventfd that it works.
   *
   * @throws TunError `UNSUPPORTED` with the reason: an old kernel, or one that forbids it, as container
   * runtimes let it.
   */
  static open(): WriteRing {
    const memory = openRingMemory(0);
    try {
      const ring = new WriteRing(memory);
      ring.#prove();
      return ring;
    } catch (error) {
      closeOwned(memory.fd);
      throw error;
    }
  }

  /**
   * Begins a batch. Of one before that was not submitted nothing is left, and of one that was nothing is
   * under way any more.
   */
  begin(): void {
    const words = this.#words;
    this.#queued = 0;
    words[this.#tail] = words[this.#taken]!;
    while (words[this.#taken] !== words[this.#heard]) {
      if (libc().ioUringEnter(this.#fd, 0, 1, GET_EVENTS) < 0) this.#pause();
      this.#reap();
    }
  }

  /**
   * Adds the write of `bytes` bytes at `offset` from `address` to the next submission, as its number so
   * many. The memory has to stay until it returns. At most {@link RING_WRITES}.
   */
  put(fd: number, address: Address, offset: number, bytes: number): void {
    const words = this.#words;
    const number = this.#queued++;
    const entry = this.#entry((words[this.#tail]! + number) & this.#tailMask);
    // Signed integers alone: anything larger would be an object of V8's for each packet.
    const low = (address.low + offset) | 0;
    const carry = (low ^ SIGN) < (address.low ^ SIGN) ? 1 : 0;
    words[entry + Entry.FD] = fd;
    words[entry + Entry.ADDRESS_LOW] = low;
    words[entry + Entry.ADDRESS_HIGH] = address.high + carry;
    words[entry + Entry.BYTES] = bytes;
    words[entry + Entry.NUMBER] = number;
  }

  /**
   * Writes what was added since {@link begin}, in order, and waits until all is done; see {@link results}.
   * What the kernel does not take (for want of memory, most likely) is not written, now or later.
   */
  submit(): void {
    const words = this.#words;
    const first = words[this.#tail]!;
    let wanted = this.#queued;
    this.#queued = 0;
    words[this.#tail] = (first + wanted) | 0;
    let taken = 0;
    let done = 0;
    while (done < wanted) {
      const got = libc().ioUringEnter(this.#fd, wanted - taken, wanted - done, GET_EVENTS);
      done += this.#reap();
      taken = (words[this.#taken]! - first) | 0;
      if (got > 0 || (got === 0 && taken === wanted) || done === wanted) continue;
      const errno = got < 0 ? libc().errno() : Errno.EAGAIN;
      if (errno === Errno.EINTR) continue;
      if (taken === wanted) {
        this.#pause();
        continue;
      }
      // Still behind the tail: the next begin() takes them off.
      this.results.fill(-errno, taken, wanted);
      wanted = taken;
    }
  }

  /** The kernel answers for what it has begun sooner or later; until then its memory is not ours. */
  #pause(): void {
    libc().poll(NOTHING, 0, PAUSE_MS);
  }

  /** Counts 2 in an eventfd, by two writes of 1. */
  #prove(): void {
    const { eventfd, readCount, close } = libc();
    const fd = eventfd(0, EVENTFD_FLAGS);
    if (fd < 0) throw unavailable(`eventfd failed with ${errnoName(libc().errno())}`);
    try {
      const one = new Address(addressOf(ONE));
      this.begin();
      this.put(fd, one, 0, ONE.length);
      this.put(fd, one, 0, ONE.length);
      this.submit();
      const count = new BigUint64Array(1);
      const counted = readCount(fd, new Uint8Array(count.buffer)) === ONE.length && count[0] === 2n;
      if (counted && this.results[0] === ONE.length && this.results[1] === ONE.length) return;
      throw unavailable(`its writes came to ${String(count[0])} of 2`);
    } finally {
      close(fd);
    }
  }

  /** Takes completions off their ring; returns how many. */
  #reap(): number {
    const words = this.#words;
    const end = words[this.#done]!;
    let at = words[this.#heard]!;
    let count = 0;
    for (; at !== end; at = (at + 1) | 0) {
      const word = this.#completions + ((at & this.#doneMask) << COMPLETION_WORDS_SHIFT);
      this.results[words[word]!] = words[word + COMPLETION_RESULT]!;
      count++;
    }
    words[this.#heard] = at;
    return count;
  }

  #entry(slot: number): number {
    return this.#entries + (slot << ENTRY_WORDS_SHIFT);
  }
}

/** The calling thread's ring, or why it has none. */
let own: WriteRing | TunError | undefined;

/**
 * The calling thread's ring, made at first use; undefined where there is none, unless it is `required`.
 *
 * @throws TunError `UNSUPPORTED` with the reason, when it is.
 */
export function threadWriteRing(required: boolean): WriteRing | undefined {
  own ??= openOwn();
  if (own instanceof WriteRing) return own;
  if (required) throw own;
  return undefined;
}

function openOwn(): WriteRing | TunError {
  try {
    return WriteRing.open();
  } catch (error) {
    return error instanceof TunError ? error : unavailable(String(error));
  }
}
