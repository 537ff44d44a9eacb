/**
 * The memory of an io_uring of the calling thread, as write-ring.ts and ring.ts use it: made here, and where
 * what lies in it.
 *
 * The rings lie in memory of ours (`IORING_SETUP_NO_MMAP`, since Linux 6.5), not of the kernel's: so they
 * are reached like any other bytes, and go with the thread, however it ends, as its descriptors do; a
 * mapping would stay. That memory has to be contiguous, so that a page has to be enough for each of the
 * two. The kernel winds a ring up some time after it was closed, and writes to its pages then. So it is a
 * `WebAssembly.Memory`, which is given back to the system as a whole when its thread has ended: what the C
 * library's heap has back it hands out again, with the kernel's hands still in it.
 *
 * Source: io_uring_setup(2), linux/io_uring.h.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import { addressOf } from './address.ts';
import { ownedByThread } from './descriptors.ts';
import { errnoName, libc } from './libc.ts';

/** Entries that one submission can hold: as many of 64 bytes as lie in a page. */
export const RING_ENTRIES = 64;
/** `struct io_uring_sqe`: 64 bytes; in words of 4. */
export const ENTRY_WORDS_SHIFT = 4;
/** `struct io_uring_cqe`: 16 bytes; in words of 4. The user's 8 bytes come first, then the result. */
export const COMPLETION_WORDS_SHIFT = 2;
export const COMPLETION_TAG = 1;
export const COMPLETION_RESULT = 2;
/** `IORING_ENTER_GETEVENTS`. */
export const GET_EVENTS = 1;

/** `struct io_uring_params`: 120 bytes; in words of 4, what the kernel tells of its rings. */
const PARAMS_WORDS = 30;
const Param = {
  FLAGS: 2,
  SQ_HEAD: 10,
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
/** `IORING_SETUP_NO_MMAP`. */
const SETUP_NO_MMAP = 0x4000;

/** Where both rings, the entries, and what is left for the user, lie in the memory. */
const RINGS = 0;
const ENTRIES = 4096;
const SPARE = 8192;

const WORD_SHIFT = 2;
const TWO_TO_32 = 2 ** 32;

/** All but `fd` and `base` counts words of the memory. */
export interface RingMemory {
  /** The ring's descriptor, the thread's own: closed by `closeOwned`. */
  readonly fd: number;
  /** Address of the memory, which stays as long as `words`. */
  readonly base: number;
  readonly words: Int32Array;
  /** Where the counts lie: of entries added by us, taken by the kernel, answered by it, and heard by us. */
  readonly tail: number;
  readonly taken: number;
  readonly done: number;
  readonly heard: number;
  /** By which counts become places, of entries and of completions. */
  readonly tailMask: number;
  readonly doneMask: number;
  /** Where the entries, the completions, and what is the user's, begin. */
  readonly entries: number;
  readonly completions: number;
  readonly spare: number;
}

/**
 * Makes a ring of {@link RING_ENTRIES} entries, all of them 0.
 *
 * @param flags `IORING_SETUP_` flags besides the one that all have.
 * @throws TunError `UNSUPPORTED` with the reason: an old kernel, or one that forbids it, as container
 * runtimes let it.
 */
export function openRingMemory(flags: number): RingMemory {
  const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const base = addressOf(new Uint8Array(buffer));
  const params = new Uint32Array(PARAMS_WORDS);
  params[Param.FLAGS] = SETUP_NO_MMAP | flags;
  putAddress(params, Param.CQ_USER_ADDRESS, base + RINGS);
  putAddress(params, Param.SQ_USER_ADDRESS, base + ENTRIES);
  const made = libc().ioUringSetup(RING_ENTRIES, params);
  if (made < 0) throw unavailable(`io_uring_setup failed with ${errnoName(libc().errno())}`);
  // At once: a thread that is terminated in between leaves it open.
  const fd = ownedByThread(made);
  const words = new Int32Array(buffer);
  const at = (param: number): number => (RINGS + params[param]!) >>> WORD_SHIFT;
  const array = at(Param.SQ_ARRAY);
  for (let i = 0; i < RING_ENTRIES; i++) words[array + i] = i;
  return {
    fd,
    base,
    words,
    tail: at(Param.SQ_TAIL),
    taken: at(Param.SQ_HEAD),
    done: at(Param.CQ_TAIL),
    heard: at(Param.CQ_HEAD),
    tailMask: words[at(Param.SQ_RING_MASK)]!,
    doneMask: words[at(Param.CQ_RING_MASK)]!,
    entries: ENTRIES >>> WORD_SHIFT,
    completions: at(Param.CQ_CQES),
    spare: SPARE >>> WORD_SHIFT,
  };
}

/** Why there is no io_uring. */
export function unavailable(reason: string): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    `io_uring cannot be used here: ${reason}; leave engine out, or say 'syscalls'`,
  );
}

function putAddress(words: Uint32Array, at: number, address: number): void {
  words[at] = address % TWO_TO_32;
  words[at + 1] = Math.floor(address / TWO_TO_32);
}

/** What is used of the WebAssembly JavaScript interface, of which Node's types know nothing. */
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
};
