/**
 * Between a utun descriptor and bundles: one packet per system call, by way of an area that holds the
 * largest with the family in front. A copy each way, and no packet is ever cut short.
 */

import {
  ENTRY_HEADER_BYTES,
  entryBytes,
  MAX_ENTRY_BYTES,
  MAX_PACKET_BYTES,
  MIN_IPV4_BYTES,
} from '../../limits.ts';
import { darwin } from '../../os/darwin.ts';
import { type BundleIndex, isPacket, writeEntryHeader, writeEntryTail } from '../../wire/bundle.ts';
import type { GiveResult, TakeResult } from '../link.ts';
import { FAMILY_BYTES, writeFamily } from './structs.ts';

/** The longest packet an IP header can describe. */
const LONGEST_BYTES = 65_535;

export class UtunPath {
  readonly #fd: number;
  readonly #area = new Uint8Array(FAMILY_BYTES + LONGEST_BYTES);
  /** See `Link.remainder`. */
  readonly remainder: Uint8Array = new Uint8Array(MAX_ENTRY_BYTES);

  /** The descriptor is non-blocking, and the caller's. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** As `Link.take`, of a link that is not closed. */
  take(bytes: Uint8Array, offset: number, maxPackets: number, result: TakeResult): number {
    const { read } = darwin();
    const area = this.#area;
    let at = offset;
    // Bounded by all that is taken: a flood of what nobody can read does not keep it going.
    let taken = 0;
    while (taken < maxPackets && result.remainderPackets === 0) {
      // What fits no packet at all is full: reading would make a remainder for nothing.
      if (at + entryBytes(MIN_IPV4_BYTES) > bytes.length) break;
      const length = read(this.#fd, area, area.length) - FAMILY_BYTES;
      if (length <= 0) {
        result.emptied = true;
        break;
      }
      result.note(1);
      taken++;
      if (length > MAX_PACKET_BYTES) result.oversize++;
      else if (!isPacket(area[FAMILY_BYTES]!, length)) result.unreadable++;
      else if (at + entryBytes(length) > bytes.length) {
        putEntry(area, length, this.remainder, 0);
        result.remainderPackets = 1;
        result.remainderOctets = length;
      } else {
        at = putEntry(area, length, bytes, at);
        result.packets++;
        result.octets += length;
      }
    }
    return at - offset;
  }

  /** As `Link.give`, of a link that is not closed. The caller has looked whether the buffer is there. */
  give(bytes: Uint8Array, index: BundleIndex, result: GiveResult): number {
    const { write } = darwin();
    const area = this.#area;
    for (let i = 0; i < index.count; i++) {
      const offset = index.offsets[i]!;
      const length = index.lengths[i]!;
      area.set(bytes.subarray(offset, offset + length), FAMILY_BYTES);
      writeFamily(area, area[FAMILY_BYTES]!);
      const whole = FAMILY_BYTES + length;
      if (isPacket(area[FAMILY_BYTES]!, length) && write(this.#fd, area, whole) === whole) {
        result.packets++;
        result.octets += length;
      } else {
        result.refused++;
        index.lengths[i] = 0;
      }
    }
    return result.packets;
  }
}

/** Makes an entry at `at` of the packet in the area; returns where the next one begins. */
function putEntry(area: Uint8Array, length: number, bytes: Uint8Array, at: number): number {
  writeEntryHeader(bytes, at, length);
  bytes.set(area.subarray(FAMILY_BYTES, FAMILY_BYTES + length), at + ENTRY_HEADER_BYTES);
  return writeEntryTail(bytes, at, length);
}
