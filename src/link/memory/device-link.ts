/**
 * What a thread does with an in-memory device, owner or not: taking, giving, parking. All of it in
 * shared memory.
 */

import { TunError, TunErrorCode } from '../../errors.ts';
import {
  ENTRY_HEADER_BYTES,
  entryBytes,
  MAX_BUNDLE_PACKETS,
  MAX_ENTRY_BYTES,
} from '../../limits.ts';
import { parkOnWord } from '../../sync/wake.ts';
import type { BundleIndex } from '../../wire/bundle.ts';
import {
  type GiveResult,
  LINK_CLOSED,
  type LinkCapabilities,
  type LinkUser,
  TakeResult,
} from '../link.ts';
import { type DeviceMemory, DeviceWord } from './device-memory.ts';

const CAPABILITIES: LinkCapabilities = {
  engine: 'memory',
  offload: 'off',
  segmentation: [],
  carrier: true,
  queues: 1,
  events: true,
};

/** Bytes of packets thrown away at once: a few of the largest, some dozens of ordinary ones. */
const SINK_BYTES: number = 2 * MAX_ENTRY_BYTES;

/** Where packets go that nobody wants; one for all links of the thread. */
let sink: Uint8Array | undefined;

export class DeviceLink {
  readonly kind = 'memory' as const;
  readonly capabilities: LinkCapabilities = CAPABILITIES;
  /** A packet that does not fit stays in the queue: never used. */
  readonly remainder: Uint8Array = new Uint8Array(0);
  readonly #memory: DeviceMemory;
  readonly #discarded = new TakeResult();

  constructor(memory: DeviceMemory) {
    this.#memory = memory;
  }

  join(user: LinkUser): void {
    this.#memory.join(user.participant, user.liveness);
  }

  createBuffer(bytes: number): Uint8Array {
    return new Uint8Array(bytes);
  }

  take(bytes: Uint8Array, offset: number, maxPackets: number, result: TakeResult): number {
    result.reset();
    if (this.#memory.gone) return LINK_CLOSED;
    // No caller has a use for an empty buffer: a detached one looks like that.
    if (bytes.byteLength === 0 || offset > bytes.byteLength) throw detached();
    this.#takeUnusable(result);
    const length = this.#memory.takeSent(bytes, offset, maxPackets, result);
    result.emptied = !this.#memory.readable;
    return length;
  }

  give(bytes: Uint8Array, index: BundleIndex, result: GiveResult): number {
    result.reset();
    const memory = this.#memory;
    if (memory.gone) {
      result.refused = index.count;
      index.lengths.fill(0, 0, index.count);
      return LINK_CLOSED;
    }
    for (let i = 0; i < index.count; i++) {
      const entry = index.offsets[i]! - ENTRY_HEADER_BYTES;
      const length = index.lengths[i]!;
      if (entry + entryBytes(length) > bytes.byteLength) throw detached();
      if (memory.receive(bytes, entry, length)) {
        result.packets++;
        result.octets += length;
      } else {
        result.refused++;
        index.lengths[i] = 0;
      }
    }
    memory.add(DeviceWord.REFUSED, result.refused);
    return result.packets;
  }

  park(_participant: number, words: Int32Array, index: number, timeoutMs: number): void {
    if (!this.#memory.readable && !this.#memory.gone) parkOnWord(words, index, 1, timeoutMs);
  }

  unpark(): void {
    // The word a thread parks on is notified by whoever changed it.
  }

  setMediaConnected(connected: boolean): void {
    this.#memory.set(DeviceWord.MEDIA, connected ? 1 : 0);
  }

  discardPending(result: TakeResult): void {
    result.reset();
    this.#takeUnusable(result);
    sink ??= new Uint8Array(SINK_BYTES);
    while (this.#memory.takeSent(sink, 0, MAX_BUNDLE_PACKETS, this.#discarded) > 0) {
      result.note(this.#discarded.packets);
      result.packets += this.#discarded.packets;
      result.octets += this.#discarded.octets;
    }
  }

  waitFor(): void {
    // There is one.
  }

  hostDrops(): number {
    return this.#memory.get(DeviceWord.HOST_DROPS) >>> 0;
  }

  bury(): void {
    this.#memory.bury();
  }

  #takeUnusable(result: TakeResult): void {
    result.oversize = this.#memory.reset(DeviceWord.OVERSIZE);
    result.unreadable = this.#memory.reset(DeviceWord.UNREADABLE);
    if (result.oversize + result.unreadable > 0) result.note(result.oversize + result.unreadable);
  }
}

function detached(): TunError {
  return new TunError(
    TunErrorCode.BUFFER_DETACHED,
    'the buffer was detached or shrunk (transferred to another thread?) while it was in use; keep it until the call is done',
  );
}
