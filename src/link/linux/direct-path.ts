/**
 * Straight between the kernel and the caller's bundle: one packet per system call. With `carry` each
 * has its virtio-net header right in front, in the padding of its entry, and one call moves both.
 *
 * The read that might not fit. The kernel cuts a packet short, silently, when the buffer is too
 * small. While at least a whole largest packet fits, packets are read in place by `read`; towards
 * the end of a buffer by `readv` into the rest of the buffer and an overflow area, so that a packet
 * that turns out too long is complete and goes back to the head of the queue.
 *
 * What is written is the caller's memory, without a copy, also by way of the ring: the kernel is done with
 * it when `give` returns or throws (os/write-ring.ts), as it is with a plain `write`.
 */

import { ENTRY_HEADER_BYTES, entryBytes, MAX_PACKET_BYTES, SIZE_WORD_BYTES } from '../../limits.ts';
import { libc } from '../../os/libc.ts';
import { RING_WRITES, type WriteRing } from '../../os/write-ring.ts';
import { type BundleIndex, isPacket, writeEntryTail, writeSizeWord } from '../../wire/bundle.ts';
import { lengthOf } from '../../wire/view.ts';
import { isVnetHeader, VNET_HEADER_BYTES } from '../../wire/virtio-net.ts';
import { type GiveResult, LINK_CLOSED, type TakeResult } from '../link.ts';
import { type Arena, SUPER_PACKET, threadArena } from './arena.ts';
import { PacketMemory } from './packet-memory.ts';
import {
  detached,
  isGone,
  LEAST_AT_ONCE,
  type Path,
  type PathDevice,
  refuseRest,
  takenOf,
} from './path.ts';

export class DirectPath implements Path {
  readonly #device: PathDevice;
  readonly #memory = new PacketMemory();
  /** For super-packets that are too long to be carried. */
  readonly #arena: Arena | undefined;
  /** Bytes of the virtio-net header, 0 without. */
  readonly #header: number;
  #remainder: Uint8Array | undefined;

  constructor(device: PathDevice, carry: boolean) {
    this.#device = device;
    this.#header = carry ? VNET_HEADER_BYTES : 0;
    this.#arena = carry ? threadArena() : undefined;
  }

  readonly packetsPerRead = 1;

  get remainder(): Uint8Array {
    return this.#remainder ?? this.#memory.overflow;
  }

  createBuffer(bytes: number): Uint8Array {
    return new Uint8Array(bytes);
  }

  take(bytes: Uint8Array, offset: number, maxPackets: number, result: TakeResult): number {
    const capacity = lengthOf(bytes);
    const memory = this.#memory.locate(bytes);
    // Others may have raised the MTU above what an entry holds: longer packets are discarded anyway.
    const mtu = Math.min(this.#device.mtu, MAX_PACKET_BYTES);
    const { fd } = this.#device;
    const { read } = libc();
    const header = this.#header;
    const spare = header === 0 ? 0 : Math.min(MAX_PACKET_BYTES, capacity >>> SPARE_SHIFT);
    let at = offset;
    let last = 0;
    while (takenOf(result) < maxPackets) {
      const packet = at + ENTRY_HEADER_BYTES;
      const room = capacity - packet;
      // A super-packet that does not fit goes by way of the queue, at the price of two copies more. Where
      // one was there will be another.
      if (result.packets > 0 && room < (last > mtu ? MAX_PACKET_BYTES : spare)) break;
      // A packet longer than the MTU can only be a race with someone who is raising it.
      if (room < mtu) break;
      const address = memory.at(packet - header);
      const whole =
        room > LONGEST_BYTES
          ? read(fd, address, room + header)
          : this.#memory.readSplit(fd, address, room + header);
      const length = whole - header;
      last = length;
      if (length <= 0) {
        // What was taken before comes first: the next take finds the device gone as well.
        if (whole < 0 && at === offset && isGone()) return LINK_CLOSED;
        result.emptied = true;
        break;
      }
      if (length > MAX_PACKET_BYTES) {
        if (this.#tooLong(bytes, packet, room, length, result)) break;
        continue;
      }
      result.note(1);
      if (!isPacket(bytes[packet]!, length) || !this.#isHeaderRight(bytes, packet, length)) {
        result.unreadable++;
      } else if (at + entryBytes(length) > capacity) {
        this.#memory.keepOverflow(bytes, packet, room, length, header);
        this.#remainder = undefined;
        result.remainderPackets = 1;
        result.remainderOctets = length;
        break;
      } else {
        writeSizeWord(bytes, at, length);
        for (let i = at + SIZE_WORD_BYTES; i < packet - header; i++) bytes[i] = 0;
        at = writeEntryTail(bytes, at, length);
        result.packets++;
        result.octets += length;
      }
    }
    return at - offset;
  }

  give(bytes: Uint8Array, index: BundleIndex, result: GiveResult): number {
    const { fd, ring } = this.#device;
    if (ring !== undefined && index.count >= LEAST_AT_ONCE) {
      return this.#giveAtOnce(ring, bytes, index, result);
    }
    const header = this.#header;
    const memory = this.#memory.locate(bytes);
    const capacity = lengthOf(bytes);
    const { write } = libc();
    for (let i = 0; i < index.count; i++) {
      const offset = index.offsets[i]!;
      const length = index.lengths[i]!;
      if (offset + length > capacity) throw detached();
      if (write(fd, memory.at(offset - header), length + header) === length + header) {
        result.packets++;
        result.octets += length;
      } else if (isGone()) {
        refuseRest(index, i, result);
        return LINK_CLOSED;
      } else {
        result.refused++;
        index.lengths[i] = 0;
      }
    }
    return result.packets;
  }

  #giveAtOnce(ring: WriteRing, bytes: Uint8Array, index: BundleIndex, result: GiveResult): number {
    const header = this.#header;
    const memory = this.#memory.locate(bytes);
    const { fd } = this.#device;
    const last = index.count - 1;
    if (index.offsets[last]! + index.lengths[last]! > lengthOf(bytes)) throw detached();
    for (let from = 0; from < index.count; from += RING_WRITES) {
      const to = Math.min(from + RING_WRITES, index.count);
      ring.begin();
      for (let i = from; i < to; i++) {
        memory.putWrite(ring, fd, index.offsets[i]! - header, index.lengths[i]! + header);
      }
      ring.submit();
      for (let i = from; i < to; i++) {
        const length = index.lengths[i]!;
        const written = ring.results[i - from]!;
        if (written === length + header) {
          result.packets++;
          result.octets += length;
        } else if (isGone(-written)) {
          // All behind it found the device gone as well.
          refuseRest(index, i, result);
          return LINK_CLOSED;
        } else {
          result.refused++;
          index.lengths[i] = 0;
        }
      }
    }
    return result.packets;
  }

  #isHeaderRight(bytes: Uint8Array, packet: number, length: number): boolean {
    return this.#header === 0 || isVnetHeader(bytes, packet, length);
  }

  /**
   * A packet longer than an entry. A super-packet is split, for which its place in the bundle is too
   * small: returns whether its parts are the remainder. Any other is discarded.
   */
  #tooLong(
    bytes: Uint8Array,
    packet: number,
    room: number,
    length: number,
    result: TakeResult,
  ): boolean {
    const arena = this.#arena;
    if (arena === undefined) {
      result.note(1);
      result.oversize++;
      return false;
    }
    const target = SUPER_PACKET - ENTRY_HEADER_BYTES;
    if (length > room) {
      this.#memory.keepOverflow(bytes, packet, room, length, this.#header);
      arena.memory.set(this.#memory.overflow.subarray(0, entryBytes(length)), target);
    } else {
      arena.memory.set(bytes.subarray(packet - ENTRY_HEADER_BYTES, packet + length), target);
    }
    this.#remainder = arena.remainder;
    result.note(arena.putAside(length, 0, result));
    return result.remainderPackets > 0;
  }
}

/** No more than a quarter of a bundle is left empty for want of room for a whole super-packet. */
const SPARE_SHIFT = 2;

/** The longest packet an IP header can describe: with this much room nothing is cut short. */
const LONGEST_BYTES = 65_535;
