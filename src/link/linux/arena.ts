/**
 * Memory in which super-packets are split and merged, and which system calls read from and write to.
 * Each thread has one; buffers that are made here are arenas of their own, in which a bundle is split
 * and merged in place, where any other costs a copy each way.
 *
 * Takes and gives of a thread follow one another and never overlap, so one arena serves all adapters.
 */

import { ENTRY_HEADER_BYTES, MAX_QUEUED_PACKETS } from '../../limits.ts';
import { Address, addressOf } from '../../os/address.ts';
import { createKernels, type Kernels } from '../../wire/kernels/kernels.ts';
import {
  REMAINDER,
  REMAINDER_BYTES,
  SPLIT_OCTETS,
  SPLIT_TOTAL,
  SUPER,
  WORK,
} from '../../wire/kernels/layout.ts';
import { bufferOf, offsetOf } from '../../wire/view.ts';
import type { TakeResult } from '../link.ts';

/**
 * Bytes of the thread's own: room for two super-packets, as much as stays in a processor's cache
 * together with what it is copied from and to.
 */
export const SHARED_WORK_BYTES = 0x28000;

/** Where the super-packet's entry begins, and where its packet does. */
export const SUPER_PACKET: number = SUPER + ENTRY_HEADER_BYTES;

export class Arena {
  readonly kernels: Kernels;
  readonly memory: Uint8Array;
  /** Where {@link memory} lies. */
  readonly address: Address;
  readonly workBytes: number;
  /** Where {@link putAside} leaves entries; valid until the next take. */
  readonly remainder: Uint8Array;

  constructor(workBytes: number) {
    this.kernels = createKernels(workBytes);
    this.memory = this.kernels.tables.memory;
    this.address = new Address(addressOf(this.memory));
    this.workBytes = workBytes;
    this.remainder = this.memory.subarray(REMAINDER, REMAINDER + REMAINDER_BYTES);
  }

  /**
   * Splits the super-packet of `length` bytes, from packet number `skip` on, into the remainder. What
   * even that has no room for is counted as oversize; one that cannot be split as unreadable. Returns
   * how many packets it stands for, which are the caller's to note as taken.
   */
  putAside(length: number, skip: number, result: TakeResult): number {
    const { kernels } = this;
    const { results } = kernels.tables;
    const most = MAX_QUEUED_PACKETS;
    const written = kernels.split(SUPER_PACKET, length, REMAINDER, REMAINDER_BYTES, most, skip);
    if (written < 0) {
      result.unreadable++;
      return 1;
    }
    const total = results[SPLIT_TOTAL]!;
    result.remainderPackets = written;
    result.remainderOctets = results[SPLIT_OCTETS]!;
    result.oversize += total - skip - written;
    return total;
  }
}

/** Arenas by the memory of the buffers in them, which keeps them alive. */
const arenas = new WeakMap<object, Arena>();
let ofThread: Arena | undefined;

/** The arena of this thread. */
export function threadArena(): Arena {
  ofThread ??= new Arena(SHARED_WORK_BYTES);
  return ofThread;
}

/** The view asked for last, and the answer: the getters of a view are slow. */
let lastView: Uint8Array | undefined;
let lastArena: Arena | undefined;

/** The arena in whose working area the buffer lies; undefined for any other buffer. */
export function arenaOf(bytes: Uint8Array): Arena | undefined {
  if (bytes !== lastView) {
    lastView = bytes;
    lastArena = offsetOf(bytes) >= WORK ? arenas.get(bufferOf(bytes)) : undefined;
  }
  return lastArena;
}

/**
 * A buffer of `bytes` zero bytes in an arena of its own. An ordinary one where there is no SIMD, or no
 * more address space for it: engines reserve gigabytes of that for each.
 */
export function createArenaBuffer(bytes: number): Uint8Array {
  const arena = new Arena(bytes);
  if (arena.kernels.kind === 'plain') return new Uint8Array(bytes);
  arenas.set(arena.memory.buffer, arena);
  return arena.memory.subarray(WORK, WORK + bytes);
}
