/**
 * One thread's view of an adapter's shared memory (sync/layout.ts): state, power, media, handles,
 * locks, counters, lanes. What must not interleave is guarded by its callers (transitions.ts,
 * data-path.ts); here is only how each word is read and written.
 */

import {
  DEFAULT_MTU,
  entryBytes,
  MAX_QUEUE_BYTES,
  MAX_QUEUED_PACKETS,
  MAX_QUEUES,
} from '../limits.ts';
import { Company } from '../sync/company.ts';
import { Counters } from '../sync/counters.ts';
import { Hand } from '../sync/hand.ts';
import { Lane } from '../sync/lane.ts';
import {
  ParticipantWord,
  participantIndex,
  QUEUE_START_BYTES,
  WORD_BYTES,
  Word,
} from '../sync/layout.ts';
import { Mutex } from '../sync/mutex.ts';
import { type DropPolicy, PacketQueue } from '../sync/packet-queue.ts';
import { type Liveness, laneOf } from '../sync/participants.ts';
import { packetQueueBytes } from '../sync/queue-layout.ts';
import { Rundown } from '../sync/rundown.ts';
import { TransitionLock } from '../sync/transition-lock.ts';
import { type ParkingPlace, Wake } from '../sync/wake.ts';
import {
  Acceptance,
  AdapterState,
  isPresent,
  isTransition,
  MEDIA_STATES,
  MediaState,
  POWER_STATES,
  PowerState,
} from './state.ts';
import { nextStateWord, stateOf } from './state-word.ts';

/** How an adapter's memory is seen by one thread. */
export interface SharedView {
  /** Made by {@link createAdapterMemory}. */
  readonly memory: SharedArrayBuffer;
  /** This thread's number. */
  readonly participant: number;
  readonly liveness: Liveness;
  /** Where this thread parks. */
  readonly place: ParkingPlace;
  readonly dropPolicy: DropPolicy;
  /** The lane this thread uses; 0 by default. */
  readonly lane?: number;
  /** Whether no other thread uses the memory, until {@link SharedAdapter.open}. */
  readonly alone?: boolean;
}

/** Bytes of the packet queue of one lane. */
const LANE_QUEUE_BYTES: number = packetQueueBytes(MAX_QUEUED_PACKETS, MAX_QUEUE_BYTES);

/**
 * Makes the memory of a new adapter with `lanes` lanes, 1 to `MAX_QUEUES`: Halted, power Unspecified,
 * media Disconnected, queues without room ({@link SharedAdapter.growQueues}). The largest queues are
 * reserved at once, so that the memory never moves when the MTU grows; pages never touched take no
 * memory.
 */
export function createAdapterMemory(lanes = 1): SharedArrayBuffer {
  return new SharedArrayBuffer(QUEUE_START_BYTES + lanes * LANE_QUEUE_BYTES);
}

/** How many lanes an adapter's memory has; 0 when it is none. */
export function lanesOf(memory: SharedArrayBuffer): number {
  const lanes = (memory.byteLength - QUEUE_START_BYTES) / LANE_QUEUE_BYTES;
  return Number.isInteger(lanes) && lanes >= 1 && lanes <= MAX_QUEUES ? lanes : 0;
}

/** The byte bound that goes with an MTU: every place taken by a packet of full size. */
export function queueBytesFor(mtu: number): number {
  return MAX_QUEUED_PACKETS * entryBytes(Math.max(mtu, DEFAULT_MTU));
}

export class SharedAdapter {
  readonly words: Int32Array;
  readonly participant: number;
  readonly liveness: Liveness;
  readonly counters: Counters;
  readonly hand: Hand;
  readonly lock: TransitionLock;
  readonly rundown: Rundown;
  readonly wake: Wake;
  /** All lanes, by number. */
  readonly lanes: readonly Lane[];
  /** The lane this thread uses. */
  readonly lane: Lane;
  readonly #company: Company;
  /** Serialises the control calls of all threads. */
  readonly control: Mutex;
  #leftAs: AdapterState | undefined;

  constructor(view: SharedView) {
    const { memory, participant, liveness } = view;
    const words = new Int32Array(memory, 0, QUEUE_START_BYTES / WORD_BYTES);
    this.words = words;
    this.participant = participant;
    this.liveness = liveness;
    const company = new Company(view.alone ?? false);
    this.#company = company;
    this.counters = new Counters(words, participant);
    this.hand = new Hand(words, participant, company);
    this.lock = new TransitionLock(words, participant, liveness, company);
    this.rundown = new Rundown(words, participant, company);
    this.wake = new Wake(words, participant, view.place);
    this.control = new Mutex(words, Word.CONTROL, participant, liveness);
    const options = { maxPackets: MAX_QUEUED_PACKETS, policy: view.dropPolicy };
    this.lanes = Array.from({ length: lanesOf(memory) }, (_, index) => {
      const start = QUEUE_START_BYTES + index * LANE_QUEUE_BYTES;
      const queue = new PacketQueue(memory, options, start, LANE_QUEUE_BYTES);
      return new Lane({ words, participant, liveness, company }, index, queue);
    });
    this.lane = this.lanes[view.lane ?? 0]!;
  }

  /** Whether no other thread uses the memory, nor may. */
  get alone(): boolean {
    return this.#company.alone;
  }

  /** Other threads may use the memory from now on. */
  open(): void {
    this.#company.open();
    this.rundown.publish();
  }

  /** The adapter's state; for a thread that has left Halted, or what it was without a device. */
  get state(): AdapterState {
    return this.#leftAs ?? stateOf(this.stateWord);
  }

  /** Whether this thread has left the adapter, and may touch nothing of it any more. */
  get left(): boolean {
    return this.#leftAs !== undefined;
  }

  /** This thread leaves, or is about to: for it the adapter is absent from now on. */
  leave(): void {
    this.#leftAs ??= this.present ? AdapterState.HALTED : this.state;
  }

  /** Whether there is a device: it can be opened, read and written. */
  get present(): boolean {
    return isPresent(this.state);
  }

  /** Whether the host removed the device under the adapter. */
  get removed(): boolean {
    return Atomics.load(this.words, Word.REMOVED) !== 0;
  }

  /** The host removed the device. */
  noteRemoved(): void {
    Atomics.store(this.words, Word.REMOVED, 1);
  }

  /** State and generation: what a compare-exchange and a waiting thread compare. */
  get stateWord(): number {
    return Atomics.load(this.words, Word.STATE);
  }

  /** Makes a transition of the table in state.ts; false when the state is not `from` any more. */
  changeState(from: number, to: AdapterState): boolean {
    if (!isTransition(stateOf(from), to)) {
      throw new Error(`no transition from ${stateOf(from)} to ${to}`);
    }
    const next = nextStateWord(from, to);
    if (Atomics.compareExchange(this.words, Word.STATE, from, next) !== from) return false;
    Atomics.notify(this.words, Word.STATE);
    return true;
  }

  get power(): PowerState {
    if (this.left) return PowerState.UNSPECIFIED;
    return POWER_STATES[Atomics.load(this.words, Word.POWER)]!;
  }

  set power(power: PowerState) {
    Atomics.store(this.words, Word.POWER, POWER_STATES.indexOf(power));
  }

  get media(): MediaState {
    if (this.left) return MediaState.DISCONNECTED;
    return MEDIA_STATES[Atomics.load(this.words, Word.MEDIA)]!;
  }

  set media(media: MediaState) {
    Atomics.store(this.words, Word.MEDIA, MEDIA_STATES.indexOf(media));
  }

  /** Device handles open in all threads. */
  get openHandles(): number {
    let handles = 0;
    for (let i = 0; i < this.participants; i++) handles += this.handlesOf(i);
    return handles;
  }

  /** Device handles open in the thread of `participant`. */
  handlesOf(participant: number): number {
    return this.#load(participant, ParticipantWord.HANDLES);
  }

  /** Whether a thread that uses the lane has a device handle open. */
  isLaneOpen(lane: number): boolean {
    for (let i = 0; i < this.participants; i++) {
      if (this.handlesOf(i) > 0 && laneOf(this.words, i) === lane) return true;
    }
    return false;
  }

  setHandlesOf(participant: number, handles: number): void {
    Atomics.store(this.words, participantIndex(participant, ParticipantWord.HANDLES), handles);
  }

  /** Numbers from 0 up to this are participants, or were. */
  get participants(): number {
    return Atomics.load(this.words, Word.PARTICIPANTS);
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

  /** Packets in the hand of `participant`, bundles just handed over included. */
  handOf(participant: number): number {
    return this.#load(participant, ParticipantWord.HAND);
  }

  /** Packets on their way through all threads. */
  get packetsInHand(): number {
    let packets = 0;
    for (let i = 0; i < this.participants; i++) packets += Math.max(0, this.handOf(i));
    return packets;
  }

  /** This thread begins, or ends, to deliver a bundle to the host. */
  set delivering(delivering: boolean) {
    if (this.#company.alone) return;
    const index = participantIndex(this.participant, ParticipantWord.DELIVERING);
    Atomics.store(this.words, index, delivering ? 1 : 0);
  }

  /** Whether a thread has a transaction under way: packets in its hand, or a bundle it delivers. */
  isBusy(participant: number): boolean {
    return (
      this.handOf(participant) !== 0 || this.#load(participant, ParticipantWord.DELIVERING) !== 0
    );
  }

  /**
   * Whether no transaction is active: nothing queued, nothing in anybody's hand, nothing being
   * delivered. To be asked while Pausing, when none can begin.
   */
  get idle(): boolean {
    // The queues first: a packet on its way out is in a hand before it is out of the queue.
    for (const { queue } of this.lanes) if (queue.count !== 0) return false;
    for (let i = 0; i < this.participants; i++) if (this.isBusy(i)) return false;
    return true;
  }

  /** Raises the byte bound of all queues to `maxBytes`, where it is less. */
  growQueues(maxBytes: number): void {
    for (const lane of this.lanes) {
      lane.lock();
      lane.queue.growTo(maxBytes);
      lane.unlock();
    }
  }

  /** Whether packets pass right now, and if not, why. */
  acceptance(): Acceptance {
    if (Atomics.load(this.words, Word.MEDIA) === 0) return Acceptance.NOT_OPEN;
    if (this.state !== AdapterState.RUNNING) return Acceptance.PAUSED;
    if (this.power !== PowerState.D0) return Acceptance.LOW_POWER;
    return Acceptance.SUCCESS;
  }

  #load(participant: number, word: number): number {
    return Atomics.load(this.words, participantIndex(participant, word));
  }
}
