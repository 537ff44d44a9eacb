/**
 * One direction of the way between host and adapter, with its faults:
 *
 * ```
 * offer ──► loss ──► corrupt ──► duplicate ──► reorder (held back) ──► delay (in order) ──► deliver
 * ```
 *
 * Deterministic: every packet draws the same number of random values, whatever happens to it and
 * whether faults are set or not, so that what becomes of the n-th packet depends on the seed and n
 * (and the options) alone.
 *
 * Delay keeps the order, also when jitter or a change of `delayMs` would let a packet overtake: only
 * `reorder` changes it. Without faults a packet passes at once and nothing is allocated; a packet
 * that has to wait is copied.
 */

import { ENTRY_HEADER_BYTES, entryBytes } from '../../limits.ts';
import type { FaultPlan } from './fault-options.ts';
import { below, fraction, type Random } from './random.ts';
import type { Scheduler, TimedSource } from './scheduler.ts';
import { type Counting, createFaultStatistics, type FaultStatistics } from './statistics.ts';

/** Takes the bundle entry at `offset`, whose packet has `length` bytes; it may change the packet. */
export type EntrySink = (bytes: Uint8Array, offset: number, length: number) => void;

/** Later packets that pass one that is held back, at most. Three make TCP resend (RFC 5681). */
export const MAX_REORDER_DISTANCE = 3;

/** Milliseconds after which a packet that is held back goes on though nothing has passed it. */
export const REORDER_FLUSH_MS = 20;

/** Packets that wait for their time, at most; more are lost. 15 MB of packets of 1500 bytes. */
export const MAX_DELAYED_PACKETS = 10_000;

/** The version nibble's byte, which must stay: the packet would not be deliverable at all. */
const FIRST_CORRUPTIBLE_IPV4 = 1;
/** The source address: no checksum covers what lies before it (RFC 8200, section 8.1). */
const FIRST_CORRUPTIBLE_IPV6 = 8;
const IPV6_VERSION = 6;
const VERSION_SHIFT = 4;
const BITS_PER_BYTE = 8;
const BYTE_SHIFT = 3;

/** A copy of one entry that waits. */
interface Waiting {
  readonly entry: Uint8Array;
  readonly length: number;
  readonly jitter: number;
  /** When it goes on, on the host's clock. */
  due: number;
  /** Packets that have yet to pass it, while it is held back. */
  overtakers: number;
  /** The one behind it in the delay line. */
  next: Waiting | undefined;
}

export class FaultLine implements TimedSource {
  readonly statistics: Counting<FaultStatistics> = createFaultStatistics();
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #deliver: EntrySink;
  #plan: FaultPlan;
  #held: Waiting[] = [];
  #first: Waiting | undefined;
  #last: Waiting | undefined;
  #delayed = 0;

  constructor(plan: FaultPlan, random: Random, scheduler: Scheduler, deliver: EntrySink) {
    this.#plan = plan;
    this.#random = random;
    this.#scheduler = scheduler;
    this.#deliver = deliver;
    scheduler.add(this);
  }

  /** Faults from the next packet on. What is under way keeps its own. */
  set plan(plan: FaultPlan) {
    this.#plan = plan;
  }

  get nextDue(): number {
    let due = this.#first?.due ?? Number.POSITIVE_INFINITY;
    for (const waiting of this.#held) due = Math.min(due, waiting.due);
    return due;
  }

  /** Sends the entry at `offset` on its way; it may be changed, and is not kept. */
  offer(bytes: Uint8Array, offset: number, length: number): void {
    const plan = this.#plan;
    const random = this.#random;
    const loss = random.next();
    const corrupt = random.next();
    const corruptBit = random.next();
    const duplicate = random.next();
    const reorder = random.next();
    const distance = random.next();
    const jitter = random.next();
    this.statistics.offered++;
    if (plan.idle && this.#held.length === 0) {
      this.#pass(bytes, offset, length, jitter);
      return;
    }
    if (hits(loss, plan.loss)) {
      this.statistics.lost++;
      return;
    }
    if (hits(corrupt, plan.corrupt)) this.#corrupt(bytes, offset, length, corruptBit);
    if (hits(duplicate, plan.duplicate)) {
      // A copy: the receiver of the first may change it, by answering in place.
      this.statistics.duplicated++;
      this.#pass(bytes.slice(offset, offset + entryBytes(length)), 0, length, jitter);
    }
    const held = hits(reorder, plan.reorder);
    if (!held) this.#pass(bytes, offset, length, jitter);
    this.#overtake();
    if (held) this.#hold(bytes, offset, length, jitter, distance);
  }

  pump(now: number): void {
    while (this.#held.length > 0 && this.#held[0]!.due <= now) this.#release(this.#held.shift()!);
    while (this.#first !== undefined && this.#first.due <= now) {
      const waiting = this.#first;
      this.#first = waiting.next;
      this.#delayed--;
      this.#arrive(waiting.entry, 0, waiting.length);
    }
  }

  /** Loses everything that is under way: the device is gone. */
  clear(): void {
    this.statistics.cleared += this.#held.length + this.#delayed;
    this.#held = [];
    this.#first = undefined;
    this.#delayed = 0;
    this.#scheduler.arm();
  }

  #pass(bytes: Uint8Array, offset: number, length: number, jitter: number): void {
    const { delayMs, jitterMs } = this.#plan;
    if (this.#first === undefined && delayMs + jitterMs === 0) {
      this.#arrive(bytes, offset, length);
    } else {
      this.#delay(copyEntry(bytes, offset, length, jitter));
    }
  }

  #delay(waiting: Waiting): void {
    if (this.#delayed >= MAX_DELAYED_PACKETS) {
      this.statistics.overflow++;
      return;
    }
    const ownMs = this.#plan.delayMs + this.#plan.jitterMs * fraction(waiting.jitter);
    // One that falls due before the one in front of it waits for that one: the order is kept.
    waiting.due = this.#scheduler.now() + ownMs;
    if (this.#first === undefined) this.#first = waiting;
    else this.#last!.next = waiting;
    this.#last = waiting;
    this.statistics.delayed++;
    this.#delayed++;
    this.#scheduler.arm();
  }

  #hold(bytes: Uint8Array, offset: number, length: number, jitter: number, bits: number): void {
    const waiting = copyEntry(bytes, offset, length, jitter);
    waiting.due = this.#scheduler.now() + REORDER_FLUSH_MS;
    waiting.overtakers = 1 + below(bits, MAX_REORDER_DISTANCE);
    this.statistics.reordered++;
    this.#held.push(waiting);
    this.#scheduler.arm();
  }

  /** A packet has gone by; lets those go on that have waited for their last. */
  #overtake(): void {
    if (this.#held.length === 0) return;
    for (const waiting of this.#held) waiting.overtakers--;
    const ready = this.#held.filter((waiting) => waiting.overtakers <= 0);
    this.#held = this.#held.filter((waiting) => waiting.overtakers > 0);
    for (const waiting of ready) this.#release(waiting);
  }

  #release(waiting: Waiting): void {
    if (this.#first === undefined && this.#plan.delayMs + this.#plan.jitterMs === 0) {
      this.#arrive(waiting.entry, 0, waiting.length);
    } else {
      this.#delay(waiting);
    }
  }

  #arrive(bytes: Uint8Array, offset: number, length: number): void {
    this.statistics.passed++;
    this.#deliver(bytes, offset, length);
  }

  #corrupt(bytes: Uint8Array, offset: number, length: number, bits: number): void {
    const packet = offset + ENTRY_HEADER_BYTES;
    const first =
      bytes[packet]! >>> VERSION_SHIFT === IPV6_VERSION
        ? FIRST_CORRUPTIBLE_IPV6
        : FIRST_CORRUPTIBLE_IPV4;
    const bit = below(bits, (length - first) * BITS_PER_BYTE);
    const at = packet + first + (bit >>> BYTE_SHIFT);
    bytes[at] = bytes[at]! ^ (1 << (bit % BITS_PER_BYTE));
    this.statistics.corrupted++;
  }
}

/** Whether 32 random bits fall below the bound of a probability (see `FaultPlan`). */
function hits(bits: number, bound: number): boolean {
  return bits >>> 0 < bound;
}

function copyEntry(bytes: Uint8Array, offset: number, length: number, jitter: number): Waiting {
  const entry = bytes.slice(offset, offset + entryBytes(length));
  return { entry, length, jitter, due: 0, overtakers: 0, next: undefined };
}
