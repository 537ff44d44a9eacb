/** Lays packets into a kernel's memory and collects what it makes of them. */

import type { Kernels } from '#dist/wire/kernels/kernels.js';
import {
  MERGE_CONSUMED,
  SPLIT_BYTES,
  SPLIT_OCTETS,
  SPLIT_TOTAL,
  SUPER,
  WORK,
  WRITE_COUNT,
  WRITE_FIRST,
  WRITE_LENGTH,
  WRITE_OFFSET,
} from '#dist/wire/kernels/layout.js';
import { naiveDecode, naiveEncode } from '../reference/bundle.ts';
import type { SuperPacket } from './transport-packets.ts';

const ENTRY_HEADER = 16;
const VNET_HEADER = 10;
const PACKET = SUPER + ENTRY_HEADER;
/** What the kernels of tests work in. */
export const WORK_BYTES = 0x60000;

export interface SplitRun {
  readonly written: number;
  readonly total: number;
  readonly octets: number;
  /** The bytes of the entries. */
  readonly bytes: Uint8Array;
  readonly packets: Uint8Array[];
}

export function runSplit(
  kernels: Kernels,
  { header, packet }: SuperPacket,
  { room = WORK_BYTES, most = 256, skip = 0 } = {},
): SplitRun {
  const { memory, results } = kernels.tables;
  memory.fill(0xa5, SUPER, PACKET + 0x10000);
  memory.fill(0xa5, WORK, WORK + WORK_BYTES);
  memory.set(header, PACKET - VNET_HEADER);
  memory.set(packet, PACKET);
  const written = kernels.split(PACKET, packet.length, WORK, room, most, skip);
  const bytes = memory.slice(WORK, WORK + results[SPLIT_BYTES]!);
  return {
    written,
    total: results[SPLIT_TOTAL]!,
    octets: results[SPLIT_OCTETS]!,
    bytes,
    packets: naiveDecode(bytes),
  };
}

/** One write that a merge asks for. */
export interface Write {
  /** The virtio-net header and the packet. */
  readonly header: Uint8Array;
  readonly packet: Uint8Array;
  /** Numbers of the packets in it. */
  readonly numbers: number[];
}

/** The writes for a bundle of these packets, window by window as a link does it. */
export function runMerge(kernels: Kernels, packets: readonly Uint8Array[], udp = true): Write[] {
  const { tables } = kernels;
  const bundle = naiveEncode(packets);
  tables.memory.fill(0xa5, WORK, WORK + WORK_BYTES);
  tables.memory.set(bundle, WORK);
  let offset = ENTRY_HEADER;
  packets.forEach(({ length }, number) => {
    tables.offsets[number] = offset;
    tables.lengths[number] = length;
    offset += ENTRY_HEADER + Math.ceil(length / ENTRY_HEADER) * ENTRY_HEADER;
  });
  kernels.mergeReset();
  const writes: Write[] = [];
  for (let at = 0; at < packets.length; at += tables.results[MERGE_CONSUMED]!) {
    const rows = kernels.merge(WORK, at, packets.length, udp);
    for (let row = 0; row < rows; row++) {
      const start = tables.row(row, WRITE_OFFSET);
      const numbers: number[] = [];
      let number = tables.row(row, WRITE_FIRST);
      for (let i = 0; i < tables.row(row, WRITE_COUNT); i++) {
        numbers.push(number);
        number = tables.next[number]!;
      }
      writes.push({
        header: tables.memory.slice(start, start + VNET_HEADER),
        packet: tables.memory.slice(start + VNET_HEADER, start + tables.row(row, WRITE_LENGTH)),
        numbers,
      });
    }
    if (rows === 0 && tables.results[MERGE_CONSUMED] === 0) throw new Error('no progress');
  }
  return writes;
}
