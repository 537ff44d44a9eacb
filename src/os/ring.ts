/**
 * An io_uring of the calling thread, as its users (ring-poll.ts) need it: entries that are filled in
 * words, and what the kernel says of them.
 *
 * Source: io_uring_enter(2), linux/io_uring.h.
 */

import { closeOwned } from './descriptors.ts';
import { Errno, libc, syscallError } from './libc.ts';
import {
  COMPLETION_RESULT,
  COMPLETION_TAG,
  COMPLETION_WORDS_SHIFT,
  ENTRY_WORDS_SHIFT,
  GET_EVENTS,
  openRingMemory,
  type RingMemory,
} from './ring-memory.ts';

/**
 * `IORING_SETUP_COOP_TASKRUN`: what completes is handled when the thread enters the kernel, or waits there,
 * and does not interrupt it in between.
 */
const SETUP_COOP_TASKRUN = 0x100;

/** Words of an entry. Little-endian, as all that has no low and high half is not. */
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
const WORD_SHIFT = 2;
const TWO_TO_32 = 2 ** 32;

export class Ring {
  /** The whole memory. From {@link spare} on it is the user's; it stays as long as the ring. */
  readonly words: Int32Array;
  /** First word of it that is the user's. */
  readonly spare: number;
  /** Of the completion that {@link next} found: the two halves of its user data, and its result. */
  id = 0;
  tag = 0;
  result = 0;
  readonly #memory: RingMemory;
  #queued = 0;

  /** @throws TunError `UNSUPPORTED` with the reason. */
  constructor() {
    this.#memory = openRingMemory(SETUP_COOP_TASKRUN);
    this.words = this.#memory.words;
    this.spare = this.#memory.spare;
  }

  /** Adds an entry to the next submission; returns the first word of it, all of which are 0. */
  add(): number {
    const { words, tail, tailMask, entries } = this.#memory;
    const slot = (words[tail]! + this.#queued++) & tailMask;
    const entry = entries + (slot << ENTRY_WORDS_SHIFT);
    words.fill(0, entry, entry + (1 << ENTRY_WORDS_SHIFT));
    return entry;
  }

  /** Makes `word` of the memory, and what follows, what the entry is about. */
  pointTo(entry: number, word: number): void {
    const address = this.#memory.base + (word << WORD_SHIFT);
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
    const { fd, words, tail } = this.#memory;
    const wanted = this.#queued;
    this.#queued = 0;
    words[tail] = (words[tail]! + wanted) | 0;
    for (let begun = 0; begun < wanted; ) {
      const got = libc().ioUringEnter(fd, wanted - begun, 0, 0);
      if (got > 0) {
        begun += got;
        continue;
      }
      const errno = got < 0 ? libc().errno() : Errno.EAGAIN;
      if (errno === Errno.EINTR) continue;
      if (begun > 0) continue;
      words[tail] = (words[tail] - wanted) | 0;
      throw syscallError('io_uring_enter', errno, 'begin to poll');
    }
  }

  /** Finds the next completion; false when there is none. */
  next(): boolean {
    const { words, heard, done, doneMask, completions } = this.#memory;
    const at = words[heard]!;
    if (at === words[done]) return false;
    const word = completions + ((at & doneMask) << COMPLETION_WORDS_SHIFT);
    this.id = words[word]!;
    this.tag = words[word + COMPLETION_TAG]!;
    this.result = words[word + COMPLETION_RESULT]!;
    words[heard] = (at + 1) | 0;
    return true;
  }

  /** Waits until there is a completion. */
  wait(): void {
    while (libc().ioUringEnter(this.#memory.fd, 0, 1, GET_EVENTS) < 0) {
      const errno = libc().errno();
      if (errno !== Errno.EINTR)
        throw syscallError('io_uring_enter', errno, 'wait for a poll to end');
    }
  }

  close(): void {
    closeOwned(this.#memory.fd);
  }
}
