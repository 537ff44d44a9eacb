/**
 * What a thread does with a kernel TUN device, owner or not: one packet per system call, straight
 * between the kernel and the caller's bundle.
 *
 * The read that might not fit. The kernel cuts a packet short, silently, when the buffer is too
 * small. While at least a whole largest packet fits, packets are read in place by `read`; towards
 * the end of a buffer by `readv` into the rest of the buffer and an overflow area, so that a packet
 * that turns out too long is complete and goes back to the head of the queue.
 */

import { TunError, TunErrorCode } from '../../errors.ts';
import {
  ENTRY_HEADER_BYTES,
  entryBytes,
  MAX_BUNDLE_PACKETS,
  MAX_PACKET_BYTES,
} from '../../limits.ts';
import { Errno, libc } from '../../os/libc.ts';
import { type BundleIndex, isPacket, writeEntryHeader, writeEntryTail } from '../../wire/bundle.ts';
import {
  type GiveResult,
  LINK_CLOSED,
  type LinkCapabilities,
  type LinkUser,
  TakeResult,
} from '../link.ts';
import { PacketMemory } from './packet-memory.ts';
import { Parking } from './parking.ts';
import { setCarrier } from './tun.ts';
import type { TunMemory } from './tun-memory.ts';

const CAPABILITIES: LinkCapabilities = {
  batch: false,
  offload: ['off'],
  carrier: true,
  queues: 1,
  events: true,
};

export class TunLink {
  readonly kind = 'linux' as const;
  readonly capabilities: LinkCapabilities = CAPABILITIES;
  readonly #fd: number;
  readonly #shared: TunMemory;
  readonly #parking: Parking;
  readonly #memory = new PacketMemory();
  readonly #discarded = new TakeResult();

  /** `fd` is the descriptor this thread uses; it stays the caller's. */
  constructor(fd: number, shared: TunMemory) {
    this.#fd = fd;
    this.#shared = shared;
    this.#parking = new Parking(fd, shared);
  }

  get remainder(): Uint8Array {
    return this.#memory.overflow;
  }

  join(_user: LinkUser): void {
    // The kernel knows all threads of the process, and wakes whoever polls.
  }

  take(bytes: Uint8Array, offset: number, maxPackets: number, result: TakeResult): number {
    result.reset();
    if (this.#shared.closed) return LINK_CLOSED;
    const capacity = bytes.byteLength;
    // A detached view has no bytes at all, and no caller takes into nothing.
    if (capacity === 0 || offset > capacity) throw detached();
    const base = this.#memory.addressOf(bytes);
    // Others may have raised the MTU above what an entry holds: longer packets are discarded anyway.
    const mtu = Math.min(this.#shared.mtu, MAX_PACKET_BYTES);
    const fd = this.#fd;
    const { read } = libc();
    let at = offset;
    while (result.packets < maxPackets) {
      const room = capacity - at - ENTRY_HEADER_BYTES;
      // A packet longer than the MTU can only be a race with someone who is raising it.
      if (room < mtu) break;
      const length =
        room > MAX_PACKET_BYTES
          ? read(fd, base + at + ENTRY_HEADER_BYTES, room)
          : this.#memory.readSplit(fd, base + at + ENTRY_HEADER_BYTES, room);
      if (length <= 0) {
        if (length < 0 && isGone(libc().errno())) return LINK_CLOSED;
        break;
      }
      result.note(1);
      if (length > MAX_PACKET_BYTES) {
        result.oversize++;
      } else if (!isPacket(bytes[at + ENTRY_HEADER_BYTES]!, length)) {
        result.unreadable++;
      } else if (at + entryBytes(length) > capacity) {
        this.#memory.keepOverflow(bytes, at + ENTRY_HEADER_BYTES, room, length);
        result.remainderBytes = length;
        break;
      } else {
        writeEntryHeader(bytes, at, length);
        at = writeEntryTail(bytes, at, length);
        result.packets++;
        result.octets += length;
      }
    }
    return at - offset;
  }

  give(bytes: Uint8Array, index: BundleIndex, result: GiveResult): number {
    result.reset();
    if (this.#shared.closed) {
      result.refused = index.count;
      index.lengths.fill(0, 0, index.count);
      return LINK_CLOSED;
    }
    const base = this.#memory.addressOf(bytes);
    const capacity = bytes.byteLength;
    const fd = this.#fd;
    const { write } = libc();
    for (let i = 0; i < index.count; i++) {
      const offset = index.offsets[i]!;
      const length = index.lengths[i]!;
      if (offset + length > capacity) throw detached();
      if (write(fd, base + offset, length) === length) {
        result.packets++;
        result.octets += length;
      } else if (isGone(libc().errno())) {
        result.refused += index.count - i;
        index.lengths.fill(0, i, index.count);
        return LINK_CLOSED;
      } else {
        result.refused++;
        index.lengths[i] = 0;
      }
    }
    return result.packets;
  }

  settle(): void {
    // The kernel handled each packet when it was written.
  }

  park(participant: number, words: Int32Array, index: number, timeoutMs: number): void {
    if (!this.#shared.closed) this.#parking.park(participant, words, index, timeoutMs);
  }

  unpark(participant: number): void {
    this.#parking.unpark(participant);
  }

  setMediaConnected(connected: boolean): void {
    if (!this.#shared.closed) setCarrier(this.#fd, connected);
  }

  discardPending(result: TakeResult): void {
    const total = this.#discarded;
    total.reset();
    if (this.#shared.closed) {
      result.reset();
      return;
    }
    // Bounded: more than the host's queue holds was sent after this call began.
    while (total.packets <= this.#shared.hostQueueLength) {
      this.take(this.#memory.sink, 0, MAX_BUNDLE_PACKETS, result);
      const whole = result.packets + (result.remainderBytes > 0 ? 1 : 0);
      if (whole + result.oversize + result.unreadable === 0) break;
      total.packets += whole;
      total.octets += result.octets + result.remainderBytes;
      total.oversize += result.oversize;
      total.unreadable += result.unreadable;
    }
    result.packets = total.packets;
    result.octets = total.octets;
    result.oversize = total.oversize;
    result.unreadable = total.unreadable;
    result.remainderBytes = 0;
  }

  bury(): void {
    // A descriptor belongs to the process: nothing of a thread stays behind.
  }
}

/** Whether the error says that the device was removed (`ip link del`), not that it is just down. */
function isGone(errno: number): boolean {
  return errno === Errno.EBADFD || errno === Errno.EBADF || errno === Errno.ENODEV;
}

function detached(): TunError {
  return new TunError(
    TunErrorCode.BUFFER_DETACHED,
    'the buffer was detached or shrunk (transferred to another thread?) while it was in use; keep it until the call is done',
  );
}
