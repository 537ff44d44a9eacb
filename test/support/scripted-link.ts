/** A link that hands over as many copies of one packet as it is told to, and swallows what it is given. */

import { createAdapterMemory, queueBytesFor, SharedAdapter } from '#dist/adapter/shared-adapter.js';
import type {
  GiveResult,
  Link,
  LinkCapabilities,
  LinkInfo,
  LinkToken,
  LinkWatch,
  TakeResult,
} from '#dist/link/link.js';
import type { BundleIndex } from '#dist/wire/bundle.js';
import { writeEntryHeader, writeEntryTail } from '#dist/wire/bundle.js';

const HEADER = 16;

export class ScriptedLink implements Link {
  readonly kind = 'memory' as const;
  readonly capabilities: LinkCapabilities = {
    engine: 'memory',
    offload: 'off',
    segmentation: [],
    carrier: true,
    queues: 1,
    events: false,
  };
  readonly info: LinkInfo = {
    name: 'scripted',
    interfaceIndex: undefined,
    mtu: 1500,
    up: true,
    addresses: [],
  };
  readonly remainder = new Uint8Array(0);
  readonly #packet: Uint8Array;
  #offered = 0;
  #onReadable: () => void = () => undefined;

  constructor(packet: Uint8Array) {
    this.#packet = packet;
  }

  /** The next takes find `packets` packets. */
  offer(packets: number): void {
    this.#offered = packets;
  }

  /** An adapter's memory in which packets pass. */
  accept(): SharedAdapter {
    const shared = new SharedAdapter({
      memory: createAdapterMemory(),
      participant: 0,
      liveness: { isAlive: () => true },
      place: this,
      dropPolicy: 'drop-oldest',
    });
    for (const state of ['Initializing', 'Paused', 'Restarting', 'Running'] as const) {
      shared.changeState(shared.stateWord, state);
    }
    shared.power = 'D0';
    shared.media = 'Connected';
    shared.growQueues(queueBytesFor(this.info.mtu));
    return shared;
  }

  createBuffer(bytes: number): Uint8Array {
    return new Uint8Array(bytes);
  }

  take(bytes: Uint8Array, offset: number, maxPackets: number, result: TakeResult): number {
    result.reset();
    const { length } = this.#packet;
    let at = offset;
    while (this.#offered > 0 && result.packets < maxPackets) {
      if (at + HEADER + length > bytes.byteLength) break;
      writeEntryHeader(bytes, at, length);
      for (let i = 0; i < length; i++) bytes[at + HEADER + i] = this.#packet[i]!;
      at = writeEntryTail(bytes, at, length);
      result.packets++;
      result.note(1);
      result.octets += length;
      this.#offered--;
    }
    return at - offset;
  }

  give(_bytes: Uint8Array, index: BundleIndex, result: GiveResult): number {
    result.reset();
    result.packets = index.count;
    return index.count;
  }

  join(): void {
    // Nobody it would have to wake.
  }

  settle(): void {
    // Swallowed.
  }

  park(): void {
    // Never waits.
  }

  unpark(): void {
    // Nobody is parked.
  }

  share(): LinkToken {
    throw new Error('not shared');
  }

  noteInfo(): void {
    // Always the same.
  }

  bury(): void {
    // Nothing held.
  }

  watch(onReadable: () => void): LinkWatch {
    this.#onReadable = onReadable;
    return { start: () => undefined, stop: () => undefined };
  }

  /** Says that packets are there. */
  arrive(): void {
    this.#onReadable();
  }

  onEvent(): void {
    // Nothing happens to it.
  }

  onSystemSleep(): void {
    // Never sleeps.
  }

  setMediaConnected(): void {
    // Nobody to tell.
  }

  waitFor(): void {
    // There is one.
  }

  discardPending(result: TakeResult): void {
    result.reset();
    this.#offered = 0;
  }

  configure(): LinkInfo {
    return this.info;
  }

  hostDrops(): number {
    return 0;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
