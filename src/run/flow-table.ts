/**
 * Flows by protocol, addresses and ports, both directions of one as one. Bounded: a new flow takes the
 * place of the one that was longest without a packet. Allocates nothing once it is made.
 *
 * A flow has two keys: as the command sees it, and as the far side does; they differ only for a flow
 * whose packets are rewritten on their way. A key is written from the command's side: local and remote.
 */

import type { FlowFields } from '../wire/flow.ts';
import { readUint16 } from '../wire/uint16.ts';

/** Which way a packet goes: away from the command, or to it. */
export const Direction = { OUT: 0, IN: 1 } as const;
export type Direction = (typeof Direction)[keyof typeof Direction];

/** Words of a key: version and protocol; ports; two addresses of up to 16 bytes. */
const KEY_WORDS = 10;
const KEY_LOCAL = 2;
const KEY_REMOTE = 6;
const WORD_BYTES = 4;
const HALF_WORD_BYTES = 2;
const HALF_WORD_BITS = 16;
const BYTE_BITS = 8;
/** Knuth's multiplicative hash constant, 2^32 / golden ratio. */
const SPREAD = 0x9e3779b1;
const HASH_SHIFT = 15;
const NONE = -1;

export class FlowTable {
  readonly capacity: number;
  /** Flows that had to give way. */
  evicted = 0;
  readonly #keys: Uint32Array;
  /** Entry `flow` is the command's key of a flow, `flow + capacity` the far side's. */
  readonly #next: Int32Array;
  readonly #isIn: Uint8Array;
  readonly #heads: Int32Array;
  /** The key that was read last. */
  readonly #key = new Uint32Array(KEY_WORDS);
  /** Flows by last use: a ring through place `capacity`; older, and younger. */
  readonly #older: Int32Array;
  readonly #younger: Int32Array;
  #used = 0;

  /** `capacity`: flows it holds. */
  constructor(capacity: number) {
    this.capacity = capacity;
    const entries = 2 * capacity;
    this.#keys = new Uint32Array(entries * KEY_WORDS);
    this.#next = new Int32Array(entries).fill(NONE);
    this.#isIn = new Uint8Array(entries);
    this.#heads = new Int32Array(entries).fill(NONE);
    this.#older = new Int32Array(capacity + 1).fill(capacity);
    this.#younger = new Int32Array(capacity + 1).fill(capacity);
  }

  /** Reads the key of a packet that goes in `direction`, for the calls that follow. */
  read(bytes: Uint8Array, fields: FlowFields, direction: Direction): void {
    const { source, destination, sourcePort, destinationPort, addressBytes } = fields;
    const out = direction === Direction.OUT;
    this.#begin(fields, out ? sourcePort : destinationPort, out ? destinationPort : sourcePort);
    this.#address(KEY_LOCAL, bytes, out ? source : destination, addressBytes);
    this.#address(KEY_REMOTE, bytes, out ? destination : source, addressBytes);
  }

  /** Makes the key that was read last the one of a rewritten flow, with these ends in its place. */
  readEnds(local: Uint8Array, localPort: number, remote: Uint8Array, remotePort: number): void {
    this.#key[1] = (localPort << HALF_WORD_BITS) | remotePort;
    this.#address(KEY_LOCAL, local, 0, local.length);
    this.#address(KEY_REMOTE, remote, 0, remote.length);
  }

  /** The flow of the key that was read last; -1 when it is new. */
  find(): number {
    const entry = this.#findEntry();
    return entry >= this.capacity ? entry - this.capacity : entry;
  }

  /** Whether that key is the far side's alone: of a flow that is rewritten. */
  get foundFarKey(): boolean {
    return this.#findEntry() >= this.capacity;
  }

  /** The flow that gives way to the next that is made; -1 while there is room. */
  get oldest(): number {
    return this.#used < this.capacity ? NONE : this.#younger[this.capacity]!;
  }

  /** Makes a flow with a key of a flow of `other`, as the command's or as the far side's; none if it has none. */
  copyKey(other: FlowTable, from: number, far: boolean): void {
    const entry = far ? from + other.capacity : from;
    if (other.#isIn[entry] === 0) return;
    this.#key.set(other.#keys.subarray(entry * KEY_WORDS, (entry + 1) * KEY_WORDS));
    const flow = this.find();
    if (flow < 0) this.setKey(this.add(), far);
    else this.touch(flow);
  }

  /** Makes a flow, without a key as yet. Returns its number, of which the caller forgets all it knew. */
  add(): number {
    if (this.#used < this.capacity) {
      const flow = this.#used++;
      this.#link(flow);
      return flow;
    }
    const flow = this.#younger[this.capacity]!;
    this.evicted++;
    this.#removeEntry(flow);
    this.#removeEntry(flow + this.capacity);
    this.touch(flow);
    return flow;
  }

  /** Gives a flow the key that was read last, as the command's or as the far side's. */
  setKey(flow: number, far: boolean): void {
    const entry = far ? flow + this.capacity : flow;
    this.#keys.set(this.#key, entry * KEY_WORDS);
    const bucket = this.#bucket();
    this.#next[entry] = this.#heads[bucket]!;
    this.#heads[bucket] = entry;
    this.#isIn[entry] = 1;
  }

  /** Notes that a flow has a packet. */
  touch(flow: number): void {
    const older = this.#older[flow]!;
    const younger = this.#younger[flow]!;
    this.#younger[older] = younger;
    this.#older[younger] = older;
    this.#link(flow);
  }

  /** Puts a flow in as the youngest. */
  #link(flow: number): void {
    const end = this.capacity;
    const youngest = this.#older[end]!;
    this.#older[flow] = youngest;
    this.#younger[flow] = end;
    this.#younger[youngest] = flow;
    this.#older[end] = flow;
  }

  #begin(fields: FlowFields, localPort: number, remotePort: number): void {
    const key = this.#key;
    key.fill(0);
    key[0] = (fields.version << BYTE_BITS) | fields.protocol;
    key[1] = (localPort << HALF_WORD_BITS) | remotePort;
  }

  #address(at: number, bytes: Uint8Array, offset: number, length: number): void {
    for (let i = 0; i < length; i += WORD_BYTES) {
      const high = readUint16(bytes, offset + i);
      const low = readUint16(bytes, offset + i + HALF_WORD_BYTES);
      this.#key[at + i / WORD_BYTES] = (high << HALF_WORD_BITS) | low;
    }
  }

  /** The bucket of the key at `at` of `keys`. */
  #bucket(keys: Uint32Array = this.#key, at = 0): number {
    let hash = 0;
    for (let i = 0; i < KEY_WORDS; i++) {
      hash = Math.imul(hash ^ keys[at + i]!, SPREAD);
      hash ^= hash >>> HASH_SHIFT;
    }
    return (hash >>> 0) % this.#heads.length;
  }

  #findEntry(): number {
    let entry = this.#heads[this.#bucket()]!;
    while (entry !== NONE && !this.#matches(entry)) entry = this.#next[entry]!;
    return entry;
  }

  #matches(entry: number): boolean {
    const at = entry * KEY_WORDS;
    for (let i = 0; i < KEY_WORDS; i++) if (this.#keys[at + i] !== this.#key[i]) return false;
    return true;
  }

  /** Takes an entry out of its bucket, if it is in one. */
  #removeEntry(entry: number): void {
    if (this.#isIn[entry] === 0) return;
    this.#isIn[entry] = 0;
    const bucket = this.#bucket(this.#keys, entry * KEY_WORDS);
    let at = this.#heads[bucket]!;
    if (at === entry) {
      this.#heads[bucket] = this.#next[entry]!;
      return;
    }
    while (this.#next[at] !== entry) at = this.#next[at]!;
    this.#next[at] = this.#next[entry]!;
  }
}
