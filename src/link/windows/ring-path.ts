/**
 * Between the rings of a session and the caller's bundle. Each packet is copied once, by Windows'
 * `RtlMoveMemory`: cheaper than a view of the ring for each.
 *
 * The address of each packet in the ring is a number that V8 makes an object of (os/address.ts keeps
 * those of the bundle's, which come again and again; a ring is too large for that): 16 bytes of garbage
 * a packet.
 */

import { ENTRY_HEADER_BYTES, entryBytes, MAX_ENTRY_BYTES, MAX_PACKET_BYTES } from '../../limits.ts';
import { Locator } from '../../os/locator.ts';
import { kernel32, WinError } from '../../os/win32.ts';
import { type BundleIndex, isPacket, writeEntryHeader, writeEntryTail } from '../../wire/bundle.ts';
import { lengthOf } from '../../wire/view.ts';
import { type GiveResult, LINK_CLOSED, type TakeResult } from '../link.ts';
import { detached } from './refusals.ts';
import type { Session } from './session.ts';
import { isGone } from './wintun.ts';

export class RingPath {
  readonly #session: Session;
  readonly #locator = new Locator();
  readonly #size = new Uint32Array(1);
  #remainder: Uint8Array | undefined;
  readonly #remainderLocator = new Locator();

  constructor(session: Session) {
    this.#session = session;
  }

  /** See `Link.remainder`; made at first use. */
  get remainder(): Uint8Array {
    this.#remainder ??= new Uint8Array(MAX_ENTRY_BYTES);
    return this.#remainder;
  }

  /** As `Link.take`, of a session that there is. `mtu` is that of the adapter. */
  take(
    bytes: Uint8Array,
    offset: number,
    maxPackets: number,
    mtu: number,
    result: TakeResult,
  ): number {
    const { wintun, handle, ready, signal } = this.#session;
    const { receivePacket, releaseReceivePacket } = wintun;
    const { getLastError, resetEvent, moveMemory } = kernel32();
    const capacity = lengthOf(bytes);
    const memory = this.#locator.locate(bytes);
    const size = this.#size;
    let at = offset;
    // Whether packets may have been told of that were taken already.
    let stale = true;
    while (takenOf(result) < maxPackets) {
      const start = at + ENTRY_HEADER_BYTES;
      // Only a packet longer than the MTU, of a race with someone who raises it, is the remainder.
      if (capacity - start < mtu) break;
      const packet = receivePacket(handle, size);
      if (packet === 0) {
        if (isGone(getLastError())) {
          // What was taken before comes first: the next take finds the adapter gone as well.
          if (at === offset) return LINK_CLOSED;
          break;
        }
        if (!stale) {
          result.emptied = true;
          break;
        }
        // What was told before is taken. What comes from now on is told anew, or found by this look.
        resetEvent(signal);
        resetEvent(ready);
        stale = false;
        continue;
      }
      stale = true;
      result.note(1);
      const length = size[0]!;
      if (length > MAX_PACKET_BYTES) {
        result.oversize++;
        releaseReceivePacket(handle, packet);
        continue;
      }
      if (at + entryBytes(length) > capacity) {
        const kept = this.#keep(packet, length, result);
        releaseReceivePacket(handle, packet);
        if (kept) break;
        continue;
      }
      moveMemory(memory.at(start), packet, length);
      releaseReceivePacket(handle, packet);
      if (!isPacket(bytes[start]!, length)) {
        result.unreadable++;
        continue;
      }
      writeEntryHeader(bytes, at, length);
      at = writeEntryTail(bytes, at, length);
      result.packets++;
      result.octets += length;
    }
    return at - offset;
  }

  /** As `Link.give`, of a session that there is. A packet for which the ring has no room is refused. */
  give(bytes: Uint8Array, index: BundleIndex, result: GiveResult): number {
    const { wintun, handle } = this.#session;
    const { allocateSendPacket, sendPacket } = wintun;
    const { getLastError, moveMemory } = kernel32();
    const memory = this.#locator.locate(bytes);
    const last = index.count - 1;
    if (last >= 0 && index.offsets[last]! + index.lengths[last]! > lengthOf(bytes))
      throw detached();
    for (let i = 0; i <= last; i++) {
      const offset = index.offsets[i]!;
      const length = index.lengths[i]!;
      // The driver throws away what is no packet, and tells nobody.
      const usable = isPacket(bytes[offset]!, length);
      const target = usable ? allocateSendPacket(handle, length) : 0;
      if (target !== 0) {
        moveMemory(target, memory.at(offset), length);
        sendPacket(handle, target);
        result.packets++;
        result.octets += length;
      } else if (usable && getLastError() === WinError.HANDLE_EOF) {
        refuseRest(index, i, result);
        return LINK_CLOSED;
      } else {
        result.refused++;
        index.lengths[i] = 0;
      }
    }
    return result.packets;
  }

  /** Makes the packet the remainder; false when it is none. */
  #keep(packet: number, length: number, result: TakeResult): boolean {
    const { remainder } = this;
    const to = this.#remainderLocator.locate(remainder).at(ENTRY_HEADER_BYTES);
    kernel32().moveMemory(to, packet, length);
    if (!isPacket(remainder[ENTRY_HEADER_BYTES]!, length)) {
      result.unreadable++;
      return false;
    }
    writeEntryHeader(remainder, 0, length);
    writeEntryTail(remainder, 0, length);
    result.remainderPackets = 1;
    result.remainderOctets = length;
    return true;
  }
}

/**
 * Packets taken, those included that were discarded: what bounds a take, so that a flood of what nobody can
 * read does not keep it going.
 */
export function takenOf({ packets, oversize, unreadable }: TakeResult): number {
  return packets + oversize + unreadable;
}

/** The rest of the bundle, from packet `from` on, is refused. */
export function refuseRest(index: BundleIndex, from: number, result: GiveResult): void {
  result.refused += index.count - from;
  index.lengths.fill(0, from, index.count);
}
