/**
 * A link to a model host, in a few words of shared memory: what the kernel does, each as one step. It
 * watches over the rules that show at this edge.
 */

import type {
  GiveResult,
  Link,
  LinkCapabilities,
  LinkInfo,
  LinkToken,
  LinkUser,
  LinkWatch,
  TakeResult,
} from '#dist/link/link.js';
import { ParticipantWord, participantIndex, Word } from '#dist/sync/layout.js';
import { type BundleIndex, writeEntryHeader, writeEntryTail } from '#dist/wire/bundle.js';
import type { Condition, Environment } from '../engine/scenario.ts';
import {
  eventWord,
  LogWord,
  ModelWord,
  pendingWord,
  putIntoQueue,
  takeFromQueue,
} from './model-memory.ts';
import { laneCount } from './raw.ts';

/** Bytes of a packet: an IPv4 header, with the packet's number as its identification. */
export const PACKET_BYTES = 20;
export const ENTRY_BYTES = 48;
const HEADER_BYTES = 16;
const NUMBER_OFFSET = 4;

const CAPABILITIES: LinkCapabilities = {
  engine: 'memory',
  offload: 'off',
  segmentation: [],
  carrier: true,
  queues: 1,
  events: false,
};

/** Whether packets may pass, as the raw words have it now. */
export type Accepting = () => boolean;

export class ModelLink implements Link {
  readonly kind = 'memory' as const;
  readonly capabilities: LinkCapabilities = CAPABILITIES;
  readonly info: LinkInfo = {
    name: 'model',
    interfaceIndex: undefined,
    mtu: 1500,
    up: true,
    addresses: [],
  };
  readonly remainder = new Uint8Array(ENTRY_BYTES);
  /** The flow of the packets that are given next, where the host has several queues. */
  flow = 0;
  readonly #words: Int32Array;
  readonly #adapter: Int32Array;
  readonly #participant: number;
  readonly #env: Environment;
  readonly #accepting: Accepting;
  readonly #queues: number;
  #queue = 0;
  /** The queues that end a wait, one bit each. */
  #awaited = 1;

  constructor(
    memory: SharedArrayBuffer,
    adapter: Int32Array,
    participant: number,
    env: Environment,
    accepting: Accepting,
  ) {
    this.#words = new Int32Array(memory);
    this.#adapter = adapter;
    this.#participant = participant;
    this.#env = env;
    this.#accepting = accepting;
    this.#queues = laneCount(adapter);
  }

  /** The model host wakes whoever polls. */
  join({ queue }: LinkUser): void {
    this.#queue = queue;
    this.waitFor(1 << queue);
  }

  createBuffer(bytes: number): Uint8Array {
    return new Uint8Array(bytes);
  }

  take(
    bytes: Uint8Array,
    offset: number,
    maxPackets: number,
    result: TakeResult,
    queue: number = this.#queue,
  ): number {
    result.reset();
    this.#checkReleased('take');
    const before = this.#beginHold('taken from');
    let at = offset;
    // Only where a scenario has any, or every other would have two steps more.
    if (this.#env.real.load(this.#words, ModelWord.UNUSABLE) > 0) this.#takeUnusable(result);
    while (result.packets < maxPackets && at + ENTRY_BYTES <= bytes.byteLength) {
      if (Atomics.load(this.#words, pendingWord(queue)) === 0) {
        result.emptied = true;
        break;
      }
      at = this.#takeInto(bytes, at, queue);
      result.packets++;
      result.octets += PACKET_BYTES;
      result.note(1);
      this.#env.real.sub(this.#words, LogWord.LOST_AT_DEATH, 1);
    }
    const full = result.packets < maxPackets && at + ENTRY_BYTES > bytes.byteLength;
    if (full && this.#env.real.load(this.#words, ModelWord.REMAINDER) === 1) {
      this.#takeRemainder(result, queue);
    }
    this.#endHold(before);
    return at - offset;
  }

  give(_bytes: Uint8Array, index: BundleIndex, result: GiveResult): number {
    result.reset();
    this.#checkReleased('give');
    const before = this.#beginHold('given to');
    for (let i = 0; i < index.count; i++) {
      Atomics.add(this.#words, ModelWord.GIVEN, 1);
      // As the kernel does, which looks at the packet's addresses.
      if (this.#queues > 1) Atomics.store(this.#words, ModelWord.FLOW + this.flow, this.#queue);
      result.packets++;
      result.octets += index.lengths[i]!;
    }
    this.#endHold(before);
    return result.packets;
  }

  settle(): void {
    // The model host has handled it.
  }

  park(participant: number, words: Int32Array, index: number, timeoutMs: number): void {
    this.#checkReleased('park');
    if (Atomics.load(words, index) !== 1) return;
    const event = eventWord(participant);
    const conditions: Condition[] = [{ words: this.#words, index: event, not: 0 }];
    for (let queue = this.#queues - 1; queue >= 0; queue--) {
      if ((this.#awaited & (1 << queue)) === 0) continue;
      conditions.unshift({ words: this.#words, index: pendingWord(queue), not: 0 });
    }
    this.#env.blockUntil(conditions, timeoutMs);
    Atomics.store(this.#words, event, 0);
  }

  unpark(participant: number): void {
    Atomics.store(this.#words, eventWord(participant), 1);
  }

  watch(): LinkWatch {
    return { start: () => undefined, stop: () => undefined };
  }

  onEvent(): void {
    // Nothing happens to it.
  }

  onSystemSleep(): void {
    // Never sleeps.
  }

  setMediaConnected(): void {
    this.#checkReleased('setMediaConnected');
  }

  waitFor(queues: number): void {
    this.#awaited = queues;
  }

  discardPending(result: TakeResult, queue: number = this.#queue): void {
    result.reset();
    this.#checkReleased('discardPending');
    this.#env.premise('R10');
    const { real } = this.#env;
    const own = participantIndex(this.#participant, ParticipantWord.LOCK);
    if (
      real.load(this.#adapter, Word.TRANSITION) === this.#participant + 1 ||
      real.load(this.#adapter, own) !== 0
    ) {
      this.#env.violated('R10', 'the link is drained, to start something up, under the lock');
    }
    while (Atomics.load(this.#words, pendingWord(queue)) > 0) {
      this.#takeOne(queue);
      result.packets++;
      result.note(1);
      real.sub(this.#words, LogWord.LOST_AT_DEATH, 1);
    }
  }

  configure(): LinkInfo {
    return this.info;
  }

  hostDrops(): number {
    return 0;
  }

  share(): LinkToken {
    throw new Error('the model is shared already');
  }

  noteInfo(): void {
    // Always the same.
  }

  bury(): void {
    // Holds nothing.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The host's own part: sends a packet. One step. */
  send(flow = 0): void {
    const { real } = this.#env;
    if (this.#queues === 1) {
      putIntoQueue(this.#words, 0, flow, real);
      Atomics.add(this.#words, pendingWord(0), 1);
      return;
    }
    const chosen = ModelWord.FLOW + flow;
    this.#env.atOnce(this.#words, [chosen, pendingWord(0), pendingWord(1)], () => {
      const queue = real.load(this.#words, chosen);
      putIntoQueue(this.#words, queue, flow, real);
      real.add(this.#words, pendingWord(queue), 1);
    });
  }

  #takeInto(bytes: Uint8Array, at: number, queue: number): number {
    const number = this.#takeOne(queue);
    writeEntryHeader(bytes, at, PACKET_BYTES);
    writePacket(bytes, at + HEADER_BYTES, number);
    return writeEntryTail(bytes, at, PACKET_BYTES);
  }

  #takeRemainder(result: TakeResult, queue: number): void {
    if (Atomics.load(this.#words, pendingWord(queue)) === 0) return;
    this.#takeInto(this.remainder, 0, queue);
    result.remainderPackets = 1;
    result.remainderOctets = PACKET_BYTES;
    result.note(1);
    this.#env.real.sub(this.#words, LogWord.LOST_AT_DEATH, 1);
  }

  #takeUnusable(result: TakeResult): void {
    const packets = Atomics.exchange(this.#words, ModelWord.UNUSABLE, 0);
    result.unreadable += packets;
    if (packets > 0) result.note(packets);
  }

  #takeOne(queue: number): number {
    const { real } = this.#env;
    Atomics.sub(this.#words, pendingWord(queue), 1);
    real.add(this.#words, LogWord.LOST_AT_DEATH, 1);
    real.add(this.#words, LogWord.TAKEN, 1);
    return takeFromQueue(this.#words, queue, real);
  }

  /** Whatever moves packets holds the TransitionLock shared, and packets may pass. */
  #beginHold(what: string): number {
    const { real } = this.#env;
    this.#env.premise('R2');
    if (!this.#accepting()) {
      const accepted = real.load(this.#words, LogWord.ACCEPTED + this.#participant) !== 0;
      const held =
        real.load(this.#adapter, participantIndex(this.#participant, ParticipantWord.LOCK)) !== 0;
      if (accepted && held) {
        this.#env.violated('R7', 'a transition was made while a thread held the lock shared');
      } else {
        this.#env.violated('R2', `packets are ${what} the host although not open, Running and D0`);
      }
    }
    const holds = LogWord.HOLDS + this.#participant;
    if (real.load(this.#adapter, Word.TRANSITION) === 0) {
      real.store(this.#words, holds, 0);
    } else {
      this.#env.premise('R7');
      if (real.add(this.#words, holds, 1) > 0) {
        this.#env.violated('R7', 'a thread got in shared twice while one waited for it exclusive');
      }
    }
    return real.load(this.#adapter, Word.STATE);
  }

  #endHold(before: number): void {
    const { real } = this.#env;
    if (real.load(this.#adapter, Word.STATE) !== before || !this.#accepting()) {
      this.#env.violated('R7', 'a transition was made while a thread held the lock shared');
    }
  }

  #checkReleased(what: string): void {
    if (this.#env.real.load(this.#words, LogWord.RELEASED) !== 0) {
      this.#env.violated('R8', `${what} after the link was released`);
    }
  }
}

function writePacket(bytes: Uint8Array, offset: number, number: number): void {
  bytes.fill(0, offset, offset + PACKET_BYTES);
  bytes[offset] = 0x45;
  bytes[offset + NUMBER_OFFSET] = number;
  // A unicast destination.
  bytes[offset + HEADER_BYTES] = 10;
}

/** The number of a packet of the model host. */
export function packetNumber(packet: Uint8Array): number {
  return packet[NUMBER_OFFSET]!;
}

/** A bundle of `count` packets, for writing. */
export function bundleOf(count: number): Uint8Array {
  const bytes = new Uint8Array(count * ENTRY_BYTES);
  for (let i = 0; i < count; i++) {
    writeEntryHeader(bytes, i * ENTRY_BYTES, PACKET_BYTES);
    writePacket(bytes, i * ENTRY_BYTES + HEADER_BYTES, i);
    writeEntryTail(bytes, i * ENTRY_BYTES, PACKET_BYTES);
  }
  return bytes;
}
