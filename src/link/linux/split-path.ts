/**
 * Super-packets in, ordinary packets out, and back: what the kernel hands over is split into the
 * entries of a bundle, and runs of packets of one flow in a written bundle are merged before the
 * kernel gets them. Both happen in an arena (arena.ts), which system calls read from and write to.
 * When the caller's bundle lies in one, there is no copy but that of splitting or merging.
 */

import { CopyArea, copyBytes } from '../../copy.ts';
import {
  ENTRY_HEADER_BYTES,
  MAX_BUNDLE_PACKETS,
  MAX_PACKET_BYTES,
  MAX_SUPER_PACKET_SEGMENTS,
} from '../../limits.ts';
import { Errno, libc } from '../../os/libc.ts';
import { RING_WRITES, type WriteRing } from '../../os/write-ring.ts';
import { type BundleIndex, isPacket } from '../../wire/bundle.ts';
import {
  MERGE_CONSUMED,
  SPLIT_BYTES,
  SPLIT_OCTETS,
  SPLIT_TOTAL,
  WORK,
  WRITE_COUNT,
  WRITE_FIRST,
  WRITE_LENGTH,
  WRITE_OFFSET,
} from '../../wire/kernels/layout.ts';
import { bufferOf, lengthOf, offsetOf } from '../../wire/view.ts';
import { VNET_HEADER_BYTES } from '../../wire/virtio-net.ts';
import { type GiveResult, LINK_CLOSED, type TakeResult } from '../link.ts';
import {
  type Arena,
  arenaOf,
  createArenaBuffer,
  SHARED_WORK_BYTES,
  SUPER_PACKET,
  threadArena,
} from './arena.ts';
import { isOvertaken } from './overtaken.ts';
import { detached, isGone, LEAST_AT_ONCE, type Path, type PathDevice, takenOf } from './path.ts';

/** The largest packet a kernel hands over, with its header. */
const LARGEST_READ_BYTES: number = VNET_HEADER_BYTES + 65_535;
/** Up to this many bytes are copied word by word, which needs no view to be made. */
const SMALL_COPY_BYTES = 4096;
/** What the packets of one super-packet take at most, each with 100 bytes of headers of its own. */
const MOST_SPLIT_BYTES: number = LARGEST_READ_BYTES + MAX_SUPER_PACKET_SEGMENTS * 132;

/** No more than a quarter of a bundle is left empty for want of room for a whole super-packet. */
const SPARE_SHIFT = 2;

export class SplitPath implements Path {
  readonly packetsPerRead: number = MAX_SUPER_PACKET_SEGMENTS;
  readonly #device: PathDevice;
  readonly #mergeUdp: boolean;
  readonly #own: Arena = threadArena();
  readonly #ownArea: CopyArea = new CopyArea(this.#own.memory);
  /** Which packets of the bundle being given the kernel took. */
  readonly #given = new Uint8Array(MAX_BUNDLE_PACKETS);
  #foreign: CopyArea = this.#ownArea;
  /**
   * The kernel does not take what is merged, whatever for: from then on each write waits for the one before,
   * so that what is written again keeps its place.
   */
  #refuses = false;
  /** The arena of the present call. */
  #arena: Arena = this.#own;
  /** Bytes of the bundle being filled. */
  #length = 0;
  /** Where in the arena entries go, how many bytes there are by now, and how many there may be. */
  #target = 0;
  #filled = 0;
  #capacity = 0;

  /** `mergeUdp`: whether the kernel takes merged datagrams. */
  constructor(device: PathDevice, mergeUdp: boolean) {
    this.#device = device;
    this.#mergeUdp = mergeUdp;
  }

  get remainder(): Uint8Array {
    return this.#arena.remainder;
  }

  createBuffer(bytes: number): Uint8Array {
    return createArenaBuffer(bytes);
  }

  take(bytes: Uint8Array, offset: number, maxPackets: number, result: TakeResult): number {
    const capacity = lengthOf(bytes);
    this.#length = capacity;
    const mtu = Math.min(this.#device.mtu, MAX_PACKET_BYTES);
    const { fd } = this.#device;
    const { read } = libc();
    const sparePlaces = Math.min(MAX_SUPER_PACKET_SEGMENTS, maxPackets >>> SPARE_SHIFT);
    const spareBytes = Math.min(MOST_SPLIT_BYTES, capacity >>> SPARE_SHIFT);
    this.#enter(bytes, offset);
    const source = this.#arena.address.at(SUPER_PACKET - VNET_HEADER_BYTES);
    let at = offset;
    for (;;) {
      const room = capacity - at - this.#filled;
      const places = maxPackets - result.packets;
      if (takenOf(result) >= maxPackets || room < mtu + ENTRY_HEADER_BYTES) break;
      // What does not fit goes by way of the queue, at the price of a copy more.
      if (result.packets > 0 && (places < sparePlaces || room < spareBytes)) break;
      const whole = read(fd, source, LARGEST_READ_BYTES);
      const length = whole - VNET_HEADER_BYTES;
      if (length <= 0) {
        // What was taken before comes first: the next take finds the device gone as well.
        if (whole < 0 && result.packets === 0 && isGone()) return LINK_CLOSED;
        result.emptied = true;
        break;
      }
      at = this.#split(bytes, at, length, maxPackets, result);
      if (result.remainderPackets > 0) break;
    }
    return this.#flush(bytes, at) - offset;
  }

  give(bytes: Uint8Array, index: BundleIndex, result: GiveResult): number {
    const arena = arenaOf(bytes);
    this.#arena = arena ?? this.#own;
    const { kernels } = this.#arena;
    const { tables } = kernels;
    kernels.mergeReset();
    for (let i = 0; i < index.count; i++) {
      tables.offsets[i] = index.offsets[i]!;
      tables.lengths[i] = index.lengths[i]!;
      this.#given[i] = 0;
    }
    let gone = false;
    const length = lengthOf(bytes);
    if (arena !== undefined) {
      const last = index.count - 1;
      if (index.offsets[last]! + index.lengths[last]! > length) throw detached();
      gone = !this.#giveWindow(offsetOf(bytes), 0, index.count);
    }
    for (let from = 0; arena === undefined && from < index.count && !gone; ) {
      const start = index.offsets[from]! - ENTRY_HEADER_BYTES;
      const to = windowEnd(index, from, start);
      const end = index.offsets[to - 1]! + index.lengths[to - 1]!;
      if (end > length) throw detached();
      this.#copy(bytes, start, this.#own.memory, WORK, end - start);
      gone = !this.#giveWindow(WORK - start, from, to);
      from = to;
    }
    for (let i = 0; i < index.count; i++) {
      if (this.#given[i] !== 0) {
        result.packets++;
        result.octets += index.lengths[i]!;
      } else {
        result.refused++;
        index.lengths[i] = 0;
      }
    }
    return gone ? LINK_CLOSED : result.packets;
  }

  /** Chooses the arena: where the caller's buffer lies, or the thread's own, to be copied from. */
  #enter(bytes: Uint8Array, offset: number): void {
    const arena = arenaOf(bytes);
    this.#arena = arena ?? this.#own;
    this.#filled = 0;
    this.#target = arena === undefined ? WORK : offsetOf(bytes) + offset;
    this.#capacity = arena === undefined ? this.#own.workBytes : Number.POSITIVE_INFINITY;
  }

  /** Splits what was read; returns where the bundle goes on. */
  #split(
    bytes: Uint8Array,
    offset: number,
    length: number,
    maxPackets: number,
    result: TakeResult,
  ): number {
    const { kernels } = this.#arena;
    const { memory, results } = kernels.tables;
    let at = offset;
    for (let skip = 0; ; ) {
      const room = Math.min(this.#length - at, this.#capacity) - this.#filled;
      const target = this.#target + this.#filled;
      const places = maxPackets - result.packets;
      const written = kernels.split(SUPER_PACKET, length, target, room, places, skip);
      const total = results[SPLIT_TOTAL]!;
      if (skip === 0) result.note(Math.max(total, 1));
      if (written < 0 || (total === 1 && !isPacket(memory[SUPER_PACKET]!, length))) {
        if (length > MAX_PACKET_BYTES) result.oversize++;
        else result.unreadable++;
        return at;
      }
      skip += written;
      this.#filled += results[SPLIT_BYTES]!;
      result.packets += written;
      result.octets += results[SPLIT_OCTETS]!;
      if (skip === total) return at;
      if (this.#filled === 0 || this.#arena !== this.#own) {
        this.#arena.putAside(length, skip, result);
        return at;
      }
      at = this.#flush(bytes, at);
    }
  }

  /** Copies what waits in the thread's arena to the bundle; returns where that goes on. */
  #flush(bytes: Uint8Array, at: number): number {
    const filled = this.#filled;
    this.#filled = 0;
    if (filled > 0 && this.#arena === this.#own)
      this.#copy(this.#own.memory, WORK, bytes, at, filled);
    return at + filled;
  }

  /** Writes the packets of a window; false when the device is gone. */
  #giveWindow(base: number, from: number, to: number): boolean {
    const { kernels, address } = this.#arena;
    const { tables } = kernels;
    const { fd, ring } = this.#device;
    const { write } = libc();
    for (let at = from; at < to; at += tables.results[MERGE_CONSUMED]!) {
      const rows = kernels.merge(base, at, to, this.#mergeUdp);
      const atOnce = rows >= LEAST_AT_ONCE && !this.#refuses ? ring : undefined;
      for (let row = 0; row < rows; row++) {
        const place = row % RING_WRITES;
        if (atOnce !== undefined && place === 0) this.#writeAtOnce(atOnce, row, rows);
        const length = tables.row(row, WRITE_LENGTH);
        const first = tables.row(row, WRITE_FIRST);
        const count = tables.row(row, WRITE_COUNT);
        const written =
          atOnce?.results[place] ?? write(fd, address.at(tables.row(row, WRITE_OFFSET)), length);
        if (written === length) {
          for (let i = 0, packet = first; i < count; i++, packet = tables.next[packet]!) {
            this.#given[packet] = 1;
          }
        } else {
          const errno = atOnce === undefined ? libc().errno() : -written;
          if (isGone(errno)) return false;
          if (count === 1) continue;
          this.#refuses ||= errno === Errno.EINVAL;
          // Rather refused, and counted, than behind what it was sent before.
          if (atOnce !== undefined && isOvertaken(tables, atOnce.results, base, row, rows))
            continue;
          if (!this.#giveSingly(base, first, count)) return false;
        }
      }
    }
    return true;
  }

  /** Writes the rows of the table from `from` on, as many as a ring takes at once. */
  #writeAtOnce(ring: WriteRing, from: number, rows: number): void {
    const { kernels, address } = this.#arena;
    const { tables } = kernels;
    const { fd } = this.#device;
    const to = Math.min(from + RING_WRITES, rows);
    ring.begin();
    for (let row = from; row < to; row++) {
      ring.put(fd, address, tables.row(row, WRITE_OFFSET), tables.row(row, WRITE_LENGTH));
    }
    ring.submit();
  }

  /** Writes the packets one by one that the kernel refused as one; false when the device is gone. */
  #giveSingly(base: number, first: number, count: number): boolean {
    const { kernels, address } = this.#arena;
    const { memory, next, offsets, lengths } = kernels.tables;
    const { fd } = this.#device;
    const { write } = libc();
    for (let i = 0, packet = first; i < count; i++, packet = next[packet]!) {
      const start = base + offsets[packet]! - VNET_HEADER_BYTES;
      const length = lengths[packet]! + VNET_HEADER_BYTES;
      memory.fill(0, start, start + VNET_HEADER_BYTES);
      if (write(fd, address.at(start), length) === length) this.#given[packet] = 1;
      else if (isGone()) return false;
    }
    return true;
  }

  #copy(from: Uint8Array, at: number, to: Uint8Array, target: number, length: number): void {
    if (length > SMALL_COPY_BYTES) {
      // Not by methods of theirs: locks are held, under which nothing foreign may run.
      const part = new Uint8Array(bufferOf(from), offsetOf(from) + at, length);
      Uint8Array.prototype.set.call(to, part, target);
      return;
    }
    const foreign = from === this.#own.memory ? to : from;
    if (!this.#foreign.matches(foreign)) this.#foreign = new CopyArea(foreign);
    if (foreign === to) copyBytes(this.#ownArea, at, this.#foreign, target, length);
    else copyBytes(this.#foreign, at, this.#ownArea, target, length);
  }
}

/** Number behind the last packet that fits the working area together with those from `from` on. */
function windowEnd(index: BundleIndex, from: number, start: number): number {
  let to = from + 1;
  while (to < index.count && index.offsets[to]! + index.lengths[to]! - start <= SHARED_WORK_BYTES)
    to++;
  return to;
}
