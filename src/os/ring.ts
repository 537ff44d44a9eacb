/**
 * An io_uring of the calling thread, as its users (ring-poll.ts) need it: entries that are filled in
 * words, and what the kernel says of them.
 *
 * The rings lie in memory of ours (`IORING_SETUP_NO_MMAP`, since Linux 6.5), not of the kernel's: so they
 * are reached like any other bytes, and go with the thread, however it ends, as its descriptors do; a
 * mapping would stay. That memory has to be contiguous, so that a page has to be enough for each of the
 * two. The kernel winds a ring up some time after it was closed, and writes to its pages then. So it is a
 * `WebAssembly.Memory`, which is given back to the system as a whole when its thread has ended: what the C
 * library's heap has back it hands out again, with the kernel's hands still in it.
 *
 * Source: io_uring_setup(2), io_uring_enter(2), linux/io_uring.h.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import { addressOf } from './address.ts';
import { closeOwned, ownedByThread } from './descriptors.ts';
import { Errno, errnoName, libc, syscallError } from './libc.ts';

/** Entries that one submission can hold: as many of 64 bytes as lie in a page. */
const RING_ENTRIES = 64;

/** `struct io_uring_params`: 120 bytes; in words of 4, what the kernel tells of its rings. */
const PARAMS_WORDS = 30;
const Param = {
  FLAGS: 2,
  SQ_TAIL: 11,
  SQ_RING_MASK: 12,
  SQ_ARRAY: 16,
  SQ_USER_ADDRESS: 18,
  CQ_HEAD: 20,
  CQ_TAIL: 21,
  CQ_RING_MASK: 22,
  CQ_CQES: 25,
  CQ_USER_ADDRESS: 28,
} as const;
/**
 * `IORING_SETUP_NO_MMAP`, and `IORING_SETUP_COOP_TASKRUN`: what completes is handled when the thread enters
 * the kernel, or waits there, and does not interrupt it in between.
 */
const SETUP_FLAGS: number = 0x4000 | 0x100;

/** Where both rings and the entries lie, each in a page. */
const RINGS = 0;
const ENTRIES = 4096;
/** Where the rest of the memory begins, which is the user's. */
const SPARE_BYTES = 8192;

/** `struct io_uring_sqe`: 64 bytes; in words of 4. Little-endian, as all that has no low and high half is not. */
const ENTRY_WORDS = 16;
export const Entry = {
  /** The operation, and from bit 8 on the flags. */
  OPERATION: 0,
  FD: 1,
  ADDRESS: 4,
  LENGTH: 6,
  /** Flags of the operation: what to poll for, how to send. */
  HOW: 7,
  USER_DATA: 8,
} as const;
/** `struct io_uring_cqe`: 16 bytes; in words of 4. */
const COMPLETION_WORDS_SHIFT = 2;
const COMPLETION_TAG = 1;
const COMPLETION_RESULT = 2;
/** `IORING_ENTER_GETEVENTS`. */
const GET_EVENTS = 1;

const WORD_SHIFT = 2;
const TWO_TO_32 = 2 ** 32;

export class Ring {
  /** The whole memory. From {@link spare} on it is the user's; it stays as long as the ring. */
  readonly words: Int32Array;
  /** First word of it that is the user's. */
  readonly spare: number = SPARE_BYTES >>> WORD_SHIFT;
  /** Of the completion that {@link next} found: the two halves of its user data, and its result. */
  id = 0;
  tag = 0;
  result = 0;
  readonly #fd: number;
  readonly #base: number;
  readonly #tail: number;
  readonly #tailMask: number;
  readonly #head: number;
  readonly #done: number;
  readonly #doneMask: number;
  readonly #completions: number;
  #queued = 0;

  private constructor(fd: number, buffer: ArrayBuffer, base: number, params: Uint32Array) {
    this.#fd = fd;
    this.#base = base;
    this.words = new Int32Array(buffer);
    const word = (param: number): number => (RINGS + params[param]!) >>> WORD_SHIFT;
    this.#tail = word(Param.SQ_TAIL);
    this.#head = word(Param.CQ_HEAD);
    this.#done = word(Param.CQ_TAIL);
    this.#completions = word(Param.CQ_CQES);
    this.#tailMask = this.words[word(Param.SQ_RING_MASK)]!;
    this.#doneMask = this.words[word(Param.CQ_RING_MASK)]!;
    const array = word(Param.SQ_ARRAY);
    for (let i = 0; i < RING_ENTRIES; i++) this.words[array + i] = i;
  }

  /**
   * Makes one.
   *
   * @throws TunError `UNSUPPORTED` with the reason: an old kernel, or one that forbids it, as container
   * runtimes let it.
   */
  static open(): Ring {
    const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const base = addressOf(new Uint8Array(buffer));
    const params = new Uint32Array(PARAMS_WORDS);
    params[Param.FLAGS] = SETUP_FLAGS;
    params[Param.CQ_USER_ADDRESS] = (base + RINGS) % TWO_TO_32;
    params[Param.CQ_USER_ADDRESS + 1] = Math.floor((base + RINGS) / TWO_TO_32);
    params[Param.SQ_USER_ADDRESS] = (base + ENTRIES) % TWO_TO_32;
    params[Param.SQ_USER_ADDRESS + 1] = Math.floor((base + ENTRIES) / TWO_TO_32);
    const fd = libc().ioUringSetup(RING_ENTRIES, params);
    if (fd < 0) throw unavailable(`io_uring_setup failed with ${errnoName(libc().errno())}`);
    return new Ring(ownedByThread(fd), buffer, base, params);
  }

  /** Adds an entry to the next submission; returns the first word of it, all of which are 0. */
  add(): number {
    const slot = (this.words[this.#tail]! + this.#queued++) & this.#tailMask;
    const entry = (ENTRIES >>> WORD_SHIFT) + slot * ENTRY_WORDS;
    this.words.fill(0, entry, entry + ENTRY_WORDS);
    return entry;
  }

  /** Makes `word` of the memory, and what follows, what the entry is about. */
  pointTo(entry: number, word: number): void {
    const address = this.#base + (word << WORD_SHIFT);
    this.words[entry + Entry.ADDRESS] = (address % TWO_TO_32) | 0;
    this.words[entry + Entry.ADDRESS + 1] = Math.floor(address / TWO_TO_32);
  }

  /**
   * Hands what was added to the kernel; all of it is begun, or none: then it is as if it had not been
   * added.
   *
   * @throws TunError `SYSCALL` when the kernel takes none.
   */
  submit(): void {
    const { words } = this;
    const wanted = this.#queued;
    this.#queued = 0;
    words[this.#tail] = (words[this.#tail]! + wanted) | 0;
    for (let begun = 0; begun < wanted; ) {
      const got = libc().ioUringEnter(this.#fd, wanted - begun, 0, 0);
      if (got > 0) {
        begun += got;
        continue;
      }
      const errno = got < 0 ? libc().errno() : Errno.EAGAIN;
      if (errno === Errno.EINTR) continue;
      if (begun > 0) continue;
      words[this.#tail] = (words[this.#tail]! - wanted) | 0;
      throw syscallError('io_uring_enter', errno, 'begin to poll');
    }
  }

  /** Finds the next completion; false when there is none. */
  next(): boolean {
    const { words } = this;
    const at = words[this.#head]!;
    if (at === words[this.#done]) return false;
    const word = this.#completions + ((at & this.#doneMask) << COMPLETION_WORDS_SHIFT);
    this.id = words[word]!;
    this.tag = words[word + COMPLETION_TAG]!;
    this.result = words[word + COMPLETION_RESULT]!;
    words[this.#head] = (at + 1) | 0;
    return true;
  }

  /** Waits until there is a completion. */
  wait(): void {
    while (libc().ioUringEnter(this.#fd, 0, 1, GET_EVENTS) < 0) {
      const errno = libc().errno();
      if (errno !== Errno.EINTR)
        throw syscallError('io_uring_enter', errno, 'wait for a poll to end');
    }
  }

  close(): void {
    closeOwned(this.#fd);
  }
}

export function unavailable(reason: string): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    `io_uring cannot be used here: ${reason}; leave engine out, or say 'syscalls'`,
  );
}

/** What is used of the WebAssembly JavaScript interface, of which Node's types know nothing. */
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
};
