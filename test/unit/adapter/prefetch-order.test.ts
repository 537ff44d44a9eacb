/** Filling the queue: the host's order is kept also where the link took more than there was room for. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataPath } from '#dist/adapter/data-path.js';
import type { TakeResult } from '#dist/link/link.js';
import { writeEntryHeader, writeEntryTail } from '#dist/wire/bundle.js';
import { ScriptedLink } from '../../support/scripted-link.ts';

const PACKET_BYTES = 20;
const HEADER_BYTES = 16;
const ENTRY_BYTES = 48;

/** Hands over three numbered packets at a time: two in the bundle, and one that does not fit. */
class OverflowingLink extends ScriptedLink {
  override readonly remainder = new Uint8Array(ENTRY_BYTES);
  #next = 1;

  constructor() {
    super(new Uint8Array());
  }

  override take(bytes: Uint8Array, offset: number, _max: number, result: TakeResult): number {
    result.reset();
    if (this.#next > 6) return 0;
    const at = this.#write(bytes, this.#write(bytes, offset));
    this.#write(this.remainder, 0);
    result.packets = 2;
    result.octets = 2 * PACKET_BYTES;
    result.remainderPackets = 1;
    result.remainderOctets = PACKET_BYTES;
    result.note(3);
    return at - offset;
  }

  #write(bytes: Uint8Array, at: number): number {
    writeEntryHeader(bytes, at, PACKET_BYTES);
    bytes[at + HEADER_BYTES] = 0x45;
    bytes[at + HEADER_BYTES + 1] = this.#next++;
    return writeEntryTail(bytes, at, PACKET_BYTES);
  }
}

test('what did not fit while the queue was filled comes behind what did', () => {
  const link = new OverflowingLink();
  const shared = link.accept();
  const path = new DataPath(shared, link, () => undefined);
  assert.equal(path.prefetch(), true);
  assert.equal(path.prefetch(), true);
  const bundle = path.read(new Uint8Array(0xf000))!;
  assert.deepEqual(
    [...bundle].map((packet) => packet[1]),
    [1, 2, 3, 4, 5, 6],
  );
  assert.equal(shared.packetsInHand, 0);
});
