/**
 * Which flow the later fragments of a datagram belong to, and what became of its first: they carry no ports. As many datagrams at a
 * time as there are places; one that is pushed out loses its later fragments. Allocates nothing.
 */

import type { FlowFields } from '../wire/flow.ts';
import { IPV6_ADDRESS_BYTES } from '../limits.ts';
import type { Direction } from './flow-table.ts';
import { PASS } from './verdict.ts';

/** Datagrams in pieces at a time. */
const PLACES = 1024;
/** Version, protocol and direction; two addresses. */
const KEY_HEAD_BYTES = 3;
const KEY_BYTES: number = KEY_HEAD_BYTES + 2 * IPV6_ADDRESS_BYTES;
const SPREAD = 0x9e3779b1;
const HASH_SHIFT = 15;
const NONE = -1;

export class Fragments {
  readonly #keys = new Uint8Array(PLACES * KEY_BYTES);
  readonly #identifications = new Float64Array(PLACES);
  readonly #flows = new Int32Array(PLACES).fill(NONE);
  readonly #fates = new Float64Array(PLACES);
  readonly #key = new Uint8Array(KEY_BYTES);

  /** Notes a first fragment, as one that passes. Returns its place. */
  note(bytes: Uint8Array, fields: FlowFields, direction: Direction, flow: number): number {
    const place = this.#place(bytes, fields, direction);
    this.#keys.set(this.#key, place * KEY_BYTES);
    this.#identifications[place] = fields.identification;
    this.#flows[place] = flow;
    this.#fates[place] = PASS;
    return place;
  }

  /** Notes what became of the first fragment at `place`. */
  decide(place: number, fate: number): void {
    this.#fates[place] = fate;
  }

  /** The place of a later fragment's first; -1 when that was not seen. */
  find(bytes: Uint8Array, fields: FlowFields, direction: Direction): number {
    const place = this.#place(bytes, fields, direction);
    if (this.#identifications[place] !== fields.identification) return NONE;
    for (let i = 0; i < KEY_BYTES; i++) {
      if (this.#keys[place * KEY_BYTES + i] !== this.#key[i]) return NONE;
    }
    return this.#flows[place] === NONE ? NONE : place;
  }

  /** The flow of the datagram at a place that {@link find} gave. */
  flowAt(place: number): number {
    return this.#flows[place]!;
  }

  /** What became of its first fragment: `DROP`, `PASS`, or the ms that it is held back. */
  fateAt(place: number): number {
    return this.#fates[place]!;
  }

  /** Forgets all datagrams of a flow whose number gets another meaning. */
  forget(flow: number): void {
    for (let place = 0; place < PLACES; place++) {
      if (this.#flows[place] === flow) this.#flows[place] = NONE;
    }
  }

  /** Writes the key, and says where it belongs. */
  #place(bytes: Uint8Array, fields: FlowFields, direction: Direction): number {
    const key = this.#key;
    key.fill(0);
    key[0] = fields.version;
    // IPv6 tells datagrams apart without the protocol, which only the first fragment names for sure.
    key[1] = fields.version === 4 ? fields.protocol : 0;
    key[2] = direction;
    let at = KEY_HEAD_BYTES;
    for (let i = 0; i < fields.addressBytes; i++) key[at++] = bytes[fields.source + i]!;
    for (let i = 0; i < fields.addressBytes; i++) key[at++] = bytes[fields.destination + i]!;
    let hash = fields.identification | 0;
    for (let i = 0; i < at; i++) {
      hash = Math.imul(hash ^ key[i]!, SPREAD);
      hash ^= hash >>> HASH_SHIFT;
    }
    return (hash >>> 0) % PLACES;
  }
}
