/**
 * The arithmetic of offload: splitting what the host hands over, merging what is handed to it, and
 * the checksums of both. In WebAssembly with SIMD, or in plain TypeScript where that is missing.
 *
 * Each has a memory of its own (layout.ts): what a call leaves there is valid until the next call.
 * Nothing is allocated per packet with SIMD.
 */

import { Coalescer } from '../coalesce.ts';
import { type SplitResult, split } from '../segment.ts';
import { KERNELS_WASM } from './kernels-wasm.ts';
import { SPLIT_BYTES, SPLIT_OCTETS, SPLIT_TOTAL, WORK } from './layout.ts';
import { KernelTables } from './tables.ts';

export interface Kernels {
  readonly kind: 'simd' | 'plain';
  readonly tables: KernelTables;

  /**
   * Writes entries at `target` for the packet of `length` bytes at `packet`, behind its virtio-net
   * header: those from number `skip` on, at most `most`, as many as fit into `room` bytes. A packet
   * that stands for itself becomes one entry, its checksum completed if the host has left it open.
   *
   * Returns how many were written, -1 when the packet cannot be what its header says; `SPLIT_*` of
   * the results say the rest. Offsets and lengths lie within the memory: the caller's business.
   */
  split(
    packet: number,
    length: number,
    target: number,
    room: number,
    most: number,
    skip: number,
  ): number;

  /**
   * Goes on with the packets numbered `from` to `to` (exclusive) of a bundle whose tables are in
   * `offsets` and `lengths` and whose byte 0 would lie at `base`; all of these packets do lie there,
   * each behind an entry header. `udp` says whether the host takes merged datagrams.
   *
   * Returns the rows in `writes`, to be written in order before the next call; `MERGE_CONSUMED` says
   * how many packets were dealt with. When all were, nothing is held back.
   */
  merge(base: number, from: number, to: number, udp: boolean): number;

  /** Forgets what a merge that was given up on may have left. */
  mergeReset(): void;
}

/**
 * The best there is, with `workBytes` bytes to work in. Falls back to plain TypeScript where there is
 * no WebAssembly with SIMD.
 */
export function createKernels(workBytes: number): Kernels {
  try {
    return simdKernels(workBytes);
  } catch {
    return plainKernels(workBytes);
  }
}

/** Compiled once in a thread. */
let compiled: object | undefined;

/**
 * Kernels in WebAssembly.
 *
 * @throws Error where it is missing, or has no SIMD.
 */
export function simdKernels(workBytes: number): Kernels {
  const pages = Math.ceil((WORK + workBytes) / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  compiled ??= new WebAssembly.Module(
    Uint8Array.from(atob(KERNELS_WASM), (character) => character.charCodeAt(0)),
  );
  const instance = new WebAssembly.Instance(compiled, { env: { memory } });
  const exported = instance.exports as unknown as Pick<Kernels, 'split' | 'merge' | 'mergeReset'>;
  return {
    kind: 'simd',
    tables: new KernelTables(new Uint8Array(memory.buffer)),
    split: exported.split,
    merge: exported.merge,
    mergeReset: exported.mergeReset,
  };
}

/** Kernels in plain TypeScript. */
export function plainKernels(workBytes: number): Kernels {
  const tables = new KernelTables(new Uint8Array(WORK + workBytes));
  const coalescer = new Coalescer(tables);
  const result: SplitResult = { bytes: 0, octets: 0, total: 0 };
  return {
    kind: 'plain',
    tables,
    split(packet, length, target, room, most, skip) {
      const written = split(tables.memory, packet, length, target, room, most, skip, result);
      tables.results[SPLIT_BYTES] = result.bytes;
      tables.results[SPLIT_OCTETS] = result.octets;
      tables.results[SPLIT_TOTAL] = result.total;
      return written;
    },
    merge: (base, from, to, udp) => coalescer.merge(base, from, to, udp),
    mergeReset: () => coalescer.reset(),
  };
}

/** What is used of the WebAssembly JavaScript interface, of which Node's types know nothing. */
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { exports: object };
};

/** Bytes of a page of WebAssembly memory (WebAssembly core specification, section 4.2.8). */
const PAGE_BYTES = 65_536;
