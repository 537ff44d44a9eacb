/**
 * Packets that are held back: a bounded number of them, each until its time, in order of time. Allocates
 * nothing per packet; the memory is there from the first packet on.
 */

import { CopyArea, copyBytes } from '../copy.ts';
import { MAX_BUNDLE_PACKETS } from '../limits.ts';
import type { Direction } from './flow-table.ts';

/** Gets packets whose time has come: a bundle, the first `length` bytes of `bytes`, valid until it returns. */
export type OnDue = (bytes: Uint8Array, length: number, direction: Direction) => void;

/** Packets held back at a time, at most, and bytes they may take. */
const MAX_HELD = 4096;
const MAX_HELD_BYTES = 16 * 1024 * 1024;
/** A timer is not more exact than this, in ms: what is due so soon goes along. */
const SLACK_MS = 0.5;

export class DelayLine {
  readonly #slotBytes: number;
  readonly #slots: number;
  readonly #onDue: OnDue;
  #memory: CopyArea | undefined;
  #bundle: CopyArea | undefined;
  /** By slot. */
  readonly #lengths: Uint32Array;
  readonly #directions: Uint8Array;
  readonly #times: Float64Array;
  readonly #orders: Float64Array;
  /** Slots: the first `#held` are a heap, the earliest first; the others are free. */
  readonly #heap: Int32Array;
  #held = 0;
  #order = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `slotBytes`: bytes of the largest entry, a multiple of 16. */
  constructor(slotBytes: number, onDue: OnDue) {
    this.#slotBytes = slotBytes;
    this.#slots = Math.min(MAX_HELD, Math.floor(MAX_HELD_BYTES / slotBytes));
    this.#onDue = onDue;
    this.#lengths = new Uint32Array(this.#slots);
    this.#directions = new Uint8Array(this.#slots);
    this.#times = new Float64Array(this.#slots);
    this.#orders = new Float64Array(this.#slots);
    this.#heap = Int32Array.from({ length: this.#slots }, (_, slot) => slot);
  }

  /** Packets held back now. */
  get held(): number {
    return this.#held;
  }

  /**
   * Takes a copy of the entry of `length` bytes at `offset`, to be passed on `delayMs` from now. Returns
   * false when there is no room, or when it is closed.
   */
  add(
    from: CopyArea,
    offset: number,
    length: number,
    direction: Direction,
    delayMs: number,
  ): boolean {
    if (this.#closed || this.#held === this.#slots || length > this.#slotBytes) return false;
    this.#memory ??= new CopyArea(new Uint8Array(this.#slots * this.#slotBytes));
    const slot = this.#heap[this.#held]!;
    copyBytes(from, offset, this.#memory, slot * this.#slotBytes, length);
    this.#lengths[slot] = length;
    this.#directions[slot] = direction;
    this.#times[slot] = performance.now() + delayMs;
    this.#orders[slot] = this.#order++;
    this.#rise(this.#held++);
    if (this.#heap[0] === slot) this.#arm();
    return true;
  }

  /** Throws away what is held back, and returns how much that was. Nothing is passed on after this. */
  close(): number {
    clearTimeout(this.#timer);
    this.#closed = true;
    const lost = this.#held;
    this.#held = 0;
    return lost;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#held === 0) return;
    const wait = this.#times[this.#heap[0]!]! - performance.now();
    this.#timer = setTimeout(() => this.#release(), Math.max(wait, 0));
  }

  /** Passes on what is due, in bundles of one direction each. */
  #release(): void {
    const memory = this.#memory!;
    this.#bundle ??= new CopyArea(new Uint8Array(MAX_BUNDLE_PACKETS * this.#slotBytes));
    const due = performance.now() + SLACK_MS;
    let length = 0;
    let count = 0;
    let direction: Direction = 0;
    while (this.#held > 0 && this.#times[this.#heap[0]!]! <= due) {
      const slot = this.#take();
      const next = this.#directions[slot] as Direction;
      if (count === MAX_BUNDLE_PACKETS || (count > 0 && next !== direction)) {
        this.#onDue(this.#bundle.bytes, length, direction);
        length = 0;
        count = 0;
      }
      direction = next;
      copyBytes(memory, slot * this.#slotBytes, this.#bundle, length, this.#lengths[slot]!);
      length += this.#lengths[slot]!;
      count++;
    }
    if (count > 0) this.#onDue(this.#bundle.bytes, length, direction);
    if (!this.#closed) this.#arm();
  }

  /** Takes the earliest out of the heap; its place behind the heap is free. */
  #take(): number {
    const heap = this.#heap;
    const slot = heap[0]!;
    this.#held--;
    heap[0] = heap[this.#held]!;
    heap[this.#held] = slot;
    this.#sink();
    return slot;
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    let at = 0;
    for (;;) {
      let least = at;
      const left = 2 * at + 1;
      if (left < this.#held && this.#isBefore(left, least)) least = left;
      if (left + 1 < this.#held && this.#isBefore(left + 1, least)) least = left + 1;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const one = this.#heap[a]!;
    const other = this.#heap[b]!;
    const difference = this.#times[one]! - this.#times[other]!;
    return difference === 0 ? this.#orders[one]! < this.#orders[other]! : difference < 0;
  }

  #swap(a: number, b: number): void {
    const slot = this.#heap[a]!;
    this.#heap[a] = this.#heap[b]!;
    this.#heap[b] = slot;
  }
}
