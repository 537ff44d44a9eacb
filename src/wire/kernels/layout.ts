/**
 * The memory that a kernel works in, the same in WebAssembly and in its plain twin. All offsets are
 * from its start. Imported by both compilers: constants alone.
 *
 * ```
 *  0x000000  results      words that a kernel leaves for its caller
 *  0x000400  offsets      u32[256]: where the packets of the bundle being written lie in it
 *  0x000800  lengths      u32[256]: their bytes
 *  0x001000  writes       u32[4][256]: what the merge makes of them
 *  0x002800  next         u32[256]: the packet that follows in a merged one
 *  0x002c00               what the merge knows of its slots
 *  0x004000  super        one packet as the host gives it, with its virtio-net header in front
 *  0x018000  slots        8 merged packets under construction, 0x11000 each
 *  0x0a0000  remainder    entries that did not fit the reader's bundle
 *  0x0e0000  work         entries made by splitting, or of the bundle that is being written; to the end
 * ```
 */

/** Words at the start: what a kernel leaves for its caller. */
export const RESULTS = 0x000000;
export const OFFSETS = 0x000400;
export const LENGTHS = 0x000800;
export const WRITES = 0x001000;
export const NEXT = 0x002800;
/** Starts as an entry does, so that the packet behind the virtio-net header is aligned. */
export const SUPER = 0x004000;
export const SLOTS = 0x018000;
export const SLOT_BYTES = 0x011000;
export const SLOT_COUNT = 8;
export const REMAINDER = 0x0a0000;
export const REMAINDER_BYTES = 0x040000;
export const WORK = 0x0e0000;

/** Bytes of the longest packet that fits an entry: MAX_PACKET_BYTES of limits.ts. */
export const MAX_PACKET = 0xeff0;

/** Bytes of a word in the tables above. */
export const TABLE_WORD_BYTES = 4;

// Results of a split, as word numbers.

/** Bytes of the entries written. */
export const SPLIT_BYTES = 0;
/** Bytes of the packets in them. */
export const SPLIT_OCTETS = 1;
/** Packets that the super-packet stands for, whether they were written or not. */
export const SPLIT_TOTAL = 2;

// Results of a merge.

/** Packets of the window that were dealt with. */
export const MERGE_CONSUMED = 0;

// One row of `writes`, as word numbers.

/** Where the virtio-net header lies that begins the write. */
export const WRITE_OFFSET = 0;
/** Bytes to write, that header included. */
export const WRITE_LENGTH = 1;
/** Number of the first packet in it; `next` leads to the others. */
export const WRITE_FIRST = 2;
/** Packets in it. */
export const WRITE_COUNT = 3;
export const WRITE_WORDS = 4;
