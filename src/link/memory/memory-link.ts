/**
 * The in-process link: the adapter's side of a {@link MemoryDevice}. The host on the other side runs
 * on the same thread: it processes what it is given within `give`, and what a fault delays from a
 * timer, or from within `wait` while the thread is parked.
 */

import { TunError, TunErrorCode } from '../../errors.ts';
import {
  ENTRY_HEADER_BYTES,
  entryBytes,
  MAX_BUNDLE_PACKETS,
  MAX_ENTRY_BYTES,
} from '../../limits.ts';
import { park } from '../../sync/wake.ts';
import type { BundleIndex } from '../../wire/bundle.ts';
import {
  type GiveResult,
  LINK_CLOSED,
  type Link,
  type LinkCapabilities,
  type LinkEvent,
  type LinkInfo,
  type LinkReconfig,
  type LinkWatch,
  type TakeResult,
} from '../link.ts';
import type { MemoryDevice } from './device.ts';
import { DeviceWatch } from './device-watch.ts';

const CAPABILITIES: LinkCapabilities = {
  batch: true,
  offload: ['off'],
  carrier: true,
  queues: 1,
  events: true,
};

/** Bytes of packets thrown away at once: a few of the largest, some dozens of ordinary ones. */
const SINK_BYTES: number = 2 * MAX_ENTRY_BYTES;

/** Where packets go that nobody wants; one for all links of the thread. */
let sink: Uint8Array | undefined;

/** What the link needs of the host behind its device. */
export interface HostProcessing {
  /** Told how many packets of a bundle the device refused. */
  countRefused(packets: number): void;
  /** Handles what lies in the device's receive queue. Does nothing when it is doing so already. */
  process(): void;
  /** Milliseconds until a delayed packet falls due; `Infinity` when none is. */
  delayMs(): number;
  /** Lets go of the delayed packets that are due. */
  pump(): void;
}

export class MemoryLink implements Link {
  readonly kind = 'memory' as const;
  readonly capabilities: LinkCapabilities = CAPABILITIES;
  /** A packet that does not fit stays in the queue: never used. */
  readonly remainder: Uint8Array = new Uint8Array(0);
  readonly #device: MemoryDevice;
  readonly #host: HostProcessing;
  readonly #discarded = { packets: 0, octets: 0 };
  #watch: LinkWatch | undefined;

  constructor(device: MemoryDevice, host: HostProcessing) {
    this.#device = device;
    this.#host = host;
  }

  get info(): LinkInfo {
    return this.#device.info;
  }

  take(bytes: Uint8Array, offset: number, maxPackets: number, result: TakeResult): number {
    result.reset();
    const device = this.#device;
    if (device.gone) return LINK_CLOSED;
    // No caller has a use for an empty buffer: a detached one looks like that.
    if (bytes.byteLength === 0 || offset > bytes.byteLength) throw detached();
    this.#takeUnusable(result);
    return device.sendQueue.take(bytes, offset, maxPackets, result);
  }

  give(bytes: Uint8Array, index: BundleIndex, result: GiveResult): number {
    result.reset();
    const device = this.#device;
    if (device.gone) {
      result.refused = index.count;
      index.lengths.fill(0, 0, index.count);
      return LINK_CLOSED;
    }
    for (let i = 0; i < index.count; i++) {
      const entry = index.offsets[i]! - ENTRY_HEADER_BYTES;
      const length = index.lengths[i]!;
      if (entry + entryBytes(length) > bytes.byteLength) throw detached();
      if (device.accept(bytes, entry, length)) {
        result.packets++;
        result.octets += length;
      } else {
        result.refused++;
        index.lengths[i] = 0;
      }
    }
    this.#host.countRefused(result.refused);
    this.#host.process();
    return result.packets;
  }

  wait(words: Int32Array, wordIndex: number, expected: number, timeoutMs: number): void {
    this.#host.pump();
    const device = this.#device;
    if (device.readable || device.gone) return;
    park(words, wordIndex, expected, Math.min(timeoutMs, this.#host.delayMs()));
    this.#host.pump();
  }

  watch(onReadable: () => void): LinkWatch {
    this.#watch?.stop();
    this.#watch = new DeviceWatch(this.#device, onReadable);
    return this.#watch;
  }

  onEvent(listener: (event: LinkEvent) => void): void {
    this.#device.onEvent = listener;
  }

  setMediaConnected(connected: boolean): void {
    this.#device.mediaConnected = connected;
  }

  discardPending(result: TakeResult): void {
    result.reset();
    this.#takeUnusable(result);
    sink ??= new Uint8Array(SINK_BYTES);
    while (this.#device.sendQueue.take(sink, 0, MAX_BUNDLE_PACKETS, this.#discarded) > 0) {
      result.packets += this.#discarded.packets;
      result.octets += this.#discarded.octets;
    }
  }

  configure(change: LinkReconfig): LinkInfo {
    return this.#device.change(change);
  }

  hostDrops(): number {
    return this.#device.hostDrops;
  }

  close(): Promise<void> {
    this.#watch?.stop();
    this.#device.silence();
    this.#device.remove();
    return Promise.resolve();
  }

  #takeUnusable(result: TakeResult): void {
    result.oversize = this.#device.oversize;
    result.unreadable = this.#device.unreadable;
    this.#device.oversize = 0;
    this.#device.unreadable = 0;
  }
}

function detached(): TunError {
  return new TunError(
    TunErrorCode.BUFFER_DETACHED,
    'the buffer was detached or shrunk (transferred to another thread?) while it was in use; keep it until the call is done',
  );
}
