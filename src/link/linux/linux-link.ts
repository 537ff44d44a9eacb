/**
 * The link over a kernel TUN device: one packet per system call, straight between the kernel and
 * the caller's bundle.
 *
 * The read that might not fit. The kernel cuts a packet short, silently, when the buffer is too
 * small. While at least a whole largest packet fits, packets are read in place by `read`; towards
 * the end of a buffer by `readv` into the rest of the buffer and an overflow area, so that a packet
 * that turns out too long is complete and goes back to the head of the queue.
 */

import { close } from 'node:fs';
import { promisify } from 'node:util';
import { TunError, TunErrorCode } from '../../errors.ts';
import {
  ENTRY_HEADER_BYTES,
  entryBytes,
  MAX_BLOCK_MS,
  MAX_BUNDLE_PACKETS,
  MAX_PACKET_BYTES,
} from '../../limits.ts';
import { Errno, libc } from '../../os/libc.ts';
import { type Watch, watchReadable } from '../../os/poll.ts';
import {
  type BundleIndex,
  HOST_LITTLE_ENDIAN,
  isPacket,
  writeEntryHeader,
  writeEntryTail,
} from '../../wire/bundle.ts';
import {
  type GiveResult,
  LINK_CLOSED,
  type Link,
  type LinkCapabilities,
  type LinkEvent,
  type LinkInfo,
  type LinkReconfig,
  type LinkWatch,
  TakeResult,
} from '../link.ts';
import type { LinuxControl } from './control.ts';
import { PacketMemory } from './packet-memory.ts';
import { setCarrier, type Tun } from './tun.ts';

/** `struct pollfd`: descriptor, events, returned events. */
const POLLFD_BYTES = 8;
const POLLFD_EVENTS_OFFSET = 4;
const POLLIN = 0x001;

const closeDescriptor = promisify(close);

const CAPABILITIES: LinkCapabilities = {
  batch: false,
  offload: ['off'],
  carrier: true,
  queues: 1,
  events: true,
};

export class LinuxLink implements Link {
  readonly kind = 'linux' as const;
  readonly capabilities: LinkCapabilities = CAPABILITIES;
  readonly #tun: Tun;
  readonly #control: LinuxControl;
  readonly #memory = new PacketMemory();
  readonly #discarded = new TakeResult();
  readonly #pollfd = new Uint8Array(POLLFD_BYTES);
  #watch: Watch | undefined;
  #closing: Promise<void> | undefined;

  /** Takes over `tun` and `control`; `close` releases both. */
  constructor(tun: Tun, control: LinuxControl) {
    this.#tun = tun;
    this.#control = control;
    const view = new DataView(this.#pollfd.buffer);
    view.setInt32(0, tun.fd, HOST_LITTLE_ENDIAN);
    view.setInt16(POLLFD_EVENTS_OFFSET, POLLIN, HOST_LITTLE_ENDIAN);
  }

  get info(): LinkInfo {
    return this.#control.info;
  }

  get remainder(): Uint8Array {
    return this.#memory.overflow;
  }

  take(bytes: Uint8Array, offset: number, maxPackets: number, result: TakeResult): number {
    result.reset();
    if (this.#closing !== undefined) return LINK_CLOSED;
    const capacity = bytes.byteLength;
    // A detached view has no bytes at all, and no caller takes into nothing.
    if (capacity === 0 || offset > capacity) throw detached();
    const base = this.#memory.addressOf(bytes);
    const mtu = this.#control.info.mtu;
    const fd = this.#tun.fd;
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
    if (this.#closing !== undefined) {
      result.refused = index.count;
      index.lengths.fill(0, 0, index.count);
      return LINK_CLOSED;
    }
    const base = this.#memory.addressOf(bytes);
    const capacity = bytes.byteLength;
    const fd = this.#tun.fd;
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

  wait(words: Int32Array, wordIndex: number, expected: number, timeoutMs: number): void {
    if (this.#closing !== undefined || Atomics.load(words, wordIndex) !== expected) return;
    // Below zero, poll would wait for ever.
    const ms = Math.ceil(Math.min(Math.max(timeoutMs, 0), MAX_BLOCK_MS));
    libc().poll(this.#pollfd, 1, ms);
  }

  watch(onReadable: () => void): LinkWatch {
    this.#watch = watchReadable(this.#tun.fd, onReadable);
    return this.#watch;
  }

  onEvent(listener: (event: LinkEvent) => void): void {
    this.#control.onEvent(listener);
  }

  setMediaConnected(connected: boolean): void {
    if (this.#closing === undefined) setCarrier(this.#tun.fd, connected);
  }

  discardPending(result: TakeResult): void {
    const total = this.#discarded;
    total.reset();
    // Bounded: more than the host's queue holds was sent after this call began.
    while (total.packets <= this.#control.hostQueueLength) {
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

  configure(change: LinkReconfig): LinkInfo {
    return this.#control.configure(change);
  }

  hostDrops(): number {
    return this.#control.hostDrops();
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  /** Closing the last descriptor of a TUN holds a thread for about 20 ms: one of libuv's pool. */
  async #release(): Promise<void> {
    await this.#watch?.close();
    await this.#control.close();
    await closeDescriptor(this.#tun.fd);
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
