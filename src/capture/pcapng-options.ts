/** How packets are written to a pcapng file, as a user says it, and checked. */

import { MAX_ENTRY_BYTES } from '../limits.ts';
import { compileFilter } from './filter/filter.ts';
import type { PacketTest } from './filter/packet.ts';

/** Bytes that may wait for the disk, by default: a quarter of a second at 1 Gbit/s. */
const DEFAULT_BUFFER_BYTES = 32 * 1024 * 1024;
/** Room for the largest packet in each half, with what is around it. */
const MIN_BUFFER_BYTES = 4096;
/** A file that can be told from its frame. */
const MIN_ROTATE_BYTES: number = 2 * MAX_ENTRY_BYTES;

/** Directions, named from the host stack: `send` is what the host sends and a program reads. */
export const DIRECTIONS = ['send', 'receive'] as const;
export type CaptureDirection = (typeof DIRECTIONS)[number];

/** Which packets are written, and how much of them. */
export interface CaptureSelection {
  /** An expression of the pcap syntax, such as `tcp port 80 or icmp`: docs/capture.md. */
  readonly filter?: string | undefined;
  /** What the host sends (a program reads) alone, or what it receives (a program writes). Default both. */
  readonly direction?: CaptureDirection | undefined;
  /** Bytes that are kept of a packet at most. Default all. */
  readonly snapLength?: number | undefined;
}

/** What `PcapngWriter.open` and `PcapngWriter.to` take. */
export interface PcapngOptions extends CaptureSelection {
  /** Name of the interface in the file. Default `tun`. */
  readonly interfaceName?: string | undefined;
  readonly interfaceDescription?: string | undefined;
  /** Its addresses, with prefix length. */
  readonly addresses?: readonly string[] | undefined;
  /** Bytes that may wait for the disk, in two halves. Default 32 MiB. */
  readonly bufferBytes?: number | undefined;
  /** A comment on the whole capture. */
  readonly comment?: string | undefined;
  /**
   * Bytes of a file, at most: `out.pcapng` goes on in `out.1.pcapng`, and so on, each a file by itself. At least
   * 122,880. Of files alone.
   */
  readonly rotateBytes?: number | undefined;
}

/** The same, checked. */
export interface CheckedCapture {
  readonly interfaceName: string;
  readonly interfaceDescription: string | undefined;
  readonly addresses: readonly string[] | undefined;
  readonly bufferBytes: number;
  readonly comment: string | undefined;
  readonly rotateBytes: number | undefined;
  readonly filter: string | undefined;
  readonly test: PacketTest | undefined;
  /** Undefined for both. */
  readonly direction: CaptureDirection | undefined;
  /** 0 for all bytes. */
  readonly snapLength: number;
}

/** @throws TypeError or RangeError naming what is wrong. */
export function checkCapture(options: PcapngOptions): CheckedCapture {
  const { interfaceName = 'tun', interfaceDescription, addresses, comment } = options;
  const { filter, direction, rotateBytes } = options;
  const snapLength = whole('snapLength', options.snapLength ?? 0, 0, Number.MAX_SAFE_INTEGER);
  if (direction !== undefined && !DIRECTIONS.includes(direction)) {
    throw new TypeError(
      `direction is "${String(direction)}"; give 'send' or 'receive', or neither for both`,
    );
  }
  if (rotateBytes !== undefined) {
    whole('rotateBytes', rotateBytes, MIN_ROTATE_BYTES, Number.MAX_SAFE_INTEGER);
  }
  const wanted = options.bufferBytes ?? DEFAULT_BUFFER_BYTES;
  return {
    interfaceName,
    interfaceDescription,
    addresses,
    bufferBytes: whole('bufferBytes', wanted, MIN_BUFFER_BYTES, MAX_BUFFER_BYTES),
    comment,
    rotateBytes,
    filter,
    test: filter === undefined ? undefined : compileFilter(filter),
    direction,
    snapLength: snapLength > MAX_SNAP_LENGTH ? 0 : snapLength,
  };
}

/** More than any packet has. */
const MAX_SNAP_LENGTH = 0xffff;
const MAX_BUFFER_BYTES: number = 2 ** 30;

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(
    `${name} is ${String(value)}; give a whole number of bytes from ${least} to ${most}`,
  );
}
