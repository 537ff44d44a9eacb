/**
 * Typed access to an adapter's shared memory (sync/layout.ts): state, power, media, counts,
 * counters, queue. The one function that changes the state is here.
 */

import { DEFAULT_MTU, entryBytes, MAX_QUEUE_BYTES, MAX_QUEUED_PACKETS } from '../limits.ts';
import { Counters } from '../sync/counters.ts';
import { QUEUE_START_BYTES, WORD_BYTES, Word } from '../sync/layout.ts';
import { type DropPolicy, PacketQueue, packetQueueBytes } from '../sync/packet-queue.ts';
import {
  Acceptance,
  ADAPTER_STATES,
  AdapterState,
  isTransition,
  MEDIA_STATES,
  type MediaState,
  POWER_STATES,
  PowerState,
} from './state.ts';

const TWO_TO_32 = 2 ** 32;
/** The participant number of the thread that created the adapter. */
const OWNER = 0;

/** How the queue is bounded. */
export interface QueueOptions {
  readonly dropPolicy: DropPolicy;
  /** Entry bytes, or undefined to follow the MTU. */
  readonly queueBytes: number | undefined;
  readonly mtu: number;
}

/** The byte bound that goes with an MTU: every place taken by a packet of full size. */
export function queueBytesFor(mtu: number): number {
  return MAX_QUEUED_PACKETS * entryBytes(Math.max(mtu, DEFAULT_MTU));
}

export class SharedAdapter {
  readonly words: Int32Array;
  readonly counters: Counters;
  readonly queue: PacketQueue;
  readonly #followsMtu: boolean;

  /**
   * Makes the memory of a new adapter: Halted, power Unspecified, media Disconnected. Room for the
   * largest queue is reserved at once, so that the memory never moves when the MTU grows; pages
   * never touched take no memory.
   */
  constructor(options: QueueOptions) {
    const memory = new SharedArrayBuffer(
      QUEUE_START_BYTES + packetQueueBytes(MAX_QUEUED_PACKETS, MAX_QUEUE_BYTES),
    );
    this.words = new Int32Array(memory, 0, QUEUE_START_BYTES / WORD_BYTES);
    this.counters = new Counters(this.words, OWNER);
    this.#followsMtu = options.queueBytes === undefined;
    this.queue = new PacketQueue(
      memory,
      {
        maxPackets: MAX_QUEUED_PACKETS,
        maxBytes: options.queueBytes ?? queueBytesFor(options.mtu),
        policy: options.dropPolicy,
      },
      QUEUE_START_BYTES,
    );
  }

  get state(): AdapterState {
    return ADAPTER_STATES[Atomics.load(this.words, Word.STATE)]!;
  }

  get power(): PowerState {
    return POWER_STATES[Atomics.load(this.words, Word.POWER)]!;
  }

  set power(power: PowerState) {
    Atomics.store(this.words, Word.POWER, POWER_STATES.indexOf(power));
    this.changed();
  }

  get media(): MediaState {
    return MEDIA_STATES[Atomics.load(this.words, Word.MEDIA)]!;
  }

  set media(media: MediaState) {
    Atomics.store(this.words, Word.MEDIA, MEDIA_STATES.indexOf(media));
    this.changed();
  }

  get openHandles(): number {
    return Atomics.load(this.words, Word.OPEN_HANDLES);
  }

  set openHandles(count: number) {
    Atomics.store(this.words, Word.OPEN_HANDLES, count);
  }

  /** Packet filter last set by a property request. */
  get packetFilter(): number {
    return Atomics.load(this.words, Word.PACKET_FILTER) >>> 0;
  }

  set packetFilter(filter: number) {
    Atomics.store(this.words, Word.PACKET_FILTER, filter | 0);
  }

  /** Lookahead last set by a property request, in bytes. */
  get lookahead(): number {
    return Atomics.load(this.words, Word.LOOKAHEAD) >>> 0;
  }

  set lookahead(bytes: number) {
    Atomics.store(this.words, Word.LOOKAHEAD, bytes | 0);
  }

  /** Transactions under way: queued packets, bundles being delivered, and one for Running. */
  get active(): number {
    return Atomics.load(this.words, Word.ACTIVE);
  }

  /** Makes a transition of the table in state.ts. */
  transition(to: AdapterState): void {
    const from = this.state;
    if (!isTransition(from, to)) throw new Error(`no transition from ${from} to ${to}`);
    Atomics.store(this.words, Word.STATE, ADAPTER_STATES.indexOf(to));
    this.changed();
  }

  /** Begins `count` transactions. */
  begin(count: number): void {
    Atomics.add(this.words, Word.ACTIVE, count);
  }

  /** Ends `count` transactions; true for the caller that ended the last one. */
  end(count: number): boolean {
    return count > 0 && Atomics.sub(this.words, Word.ACTIVE, count) === count;
  }

  /** Whether packets pass right now, and if not, why. */
  acceptance(): Acceptance {
    if (this.openHandles === 0) return Acceptance.NOT_OPEN;
    if (this.state !== AdapterState.RUNNING) return Acceptance.PAUSED;
    if (this.power !== PowerState.D0) return Acceptance.LOW_POWER;
    return Acceptance.SUCCESS;
  }

  /** Numbers the next `packets` given to a reader and returns the number of the first. */
  nextSequence(packets: number): number {
    const low = Atomics.load(this.words, Word.SEQUENCE_LOW) >>> 0;
    const first = Atomics.load(this.words, Word.SEQUENCE_HIGH) * TWO_TO_32 + low;
    const next = first + packets;
    Atomics.store(this.words, Word.SEQUENCE_LOW, next | 0);
    Atomics.store(this.words, Word.SEQUENCE_HIGH, Math.floor(next / TWO_TO_32));
    return first;
  }

  /** Lets the byte bound follow a new MTU, unless it was set by hand. */
  mtuChanged(mtu: number): void {
    if (this.#followsMtu) this.queue.growTo(queueBytesFor(mtu));
  }

  /** Tells threads that wait that something they depend on is different now. */
  changed(): void {
    Atomics.add(this.words, Word.CHANGES, 1);
    Atomics.notify(this.words, Word.CHANGES);
  }
}
