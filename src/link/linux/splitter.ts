/**
 * Super-packets of a thread and the kernels that split them: one memory for all adapters of the
 * thread, as takes and gives follow one another there and never overlap.
 */

import { ENTRY_HEADER_BYTES, MAX_QUEUED_PACKETS } from '../../limits.ts';
import { addressOf } from '../../os/ffi.ts';
import { createKernels, type Kernels } from '../../wire/kernels/kernels.ts';
import {
  REMAINDER,
  REMAINDER_BYTES,
  SPLIT_OCTETS,
  SPLIT_TOTAL,
  SUPER,
} from '../../wire/kernels/layout.ts';
import type { TakeResult } from '../link.ts';

interface ThreadKernels {
  readonly kernels: Kernels;
  readonly address: number;
  readonly remainder: Uint8Array;
}

let ofThread: ThreadKernels | undefined;

function threadKernels(): ThreadKernels {
  if (ofThread !== undefined) return ofThread;
  const kernels = createKernels();
  const { memory } = kernels.tables;
  const remainder = memory.subarray(REMAINDER, REMAINDER + REMAINDER_BYTES);
  ofThread = { kernels, address: addressOf(memory), remainder };
  return ofThread;
}

export class Splitter {
  readonly kernels: Kernels;
  readonly memory: Uint8Array;
  /** Address of {@link memory}. */
  readonly address: number;
  /** Where {@link putAside} leaves entries; valid until the thread's next take. */
  readonly remainder: Uint8Array;

  constructor() {
    const { kernels, address, remainder } = threadKernels();
    this.kernels = kernels;
    this.memory = kernels.tables.memory;
    this.address = address;
    this.remainder = remainder;
  }

  /** Where the super-packet's entry begins in {@link memory}, and where its packet does. */
  get entry(): number {
    return SUPER;
  }

  get packet(): number {
    return SUPER + ENTRY_HEADER_BYTES;
  }

  /**
   * Splits the super-packet of `length` bytes, from packet number `skip` on, into the remainder. What
   * even that has no room for is counted as oversize; one that cannot be split as unreadable. All of
   * it is noted as taken, if `skip` is 0.
   */
  putAside(length: number, skip: number, result: TakeResult): void {
    const { kernels, packet } = this;
    const { results } = kernels.tables;
    const most = MAX_QUEUED_PACKETS;
    const written = kernels.split(packet, length, REMAINDER, REMAINDER_BYTES, most, skip);
    if (written < 0) {
      result.note(1);
      result.unreadable++;
      return;
    }
    const total = results[SPLIT_TOTAL]!;
    if (skip === 0) result.note(total);
    result.remainderPackets = written;
    result.remainderOctets = results[SPLIT_OCTETS]!;
    result.oversize += total - skip - written;
  }
}
