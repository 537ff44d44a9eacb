/**
 * How much is taken out of a Wintun session's ring at once, with a scripted ring and a kernel32 that is
 * played: no Windows is needed for it.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LINK_CLOSED, TakeResult } from '#dist/link/link.js';
import type { WindowsControl } from '#dist/link/windows/control.js';
import type { Session } from '#dist/link/windows/session.js';
import { WindowsLink } from '#dist/link/windows/windows-link.js';
import { ffi } from '#dist/os/ffi.js';
import { ffiSkip } from '../../support/ffi.ts';

const options = { skip: ffiSkip() };
const RING_BYTES = 0x20000;
/** `ERROR_NO_MORE_ITEMS`. */
const NOTHING_NOW = 259;

if (options.skip === false) playKernel32();

/** Every function of kernel32 that is bound from here on returns 1, or 0, and does nothing. */
function playKernel32(): void {
  const real = ffi();
  const load = real.load.bind(real);
  Object.assign(real, {
    load: (path: string | null) => {
      if (path !== 'kernel32.dll') return load(path);
      return {
        func: (prototype: string) => () => (/GetLastError/.test(prototype) ? NOTHING_NOW : 1),
      };
    },
  });
}

interface Ring {
  readonly link: WindowsLink;
  /** Packets taken out of it. */
  readonly taken: () => number;
}

/** A ring that has `packets` packets of that length, of which nothing but the length is known. */
function ringOf(packets: number, length: number): Ring {
  let taken = 0;
  const wintun = {
    receivePacket: (_session: number, size: Uint32Array) => {
      if (taken === packets) return 0;
      taken++;
      size[0] = length;
      return 1;
    },
    releaseReceivePacket: () => undefined,
  };
  const session = {
    ...{ wintun, handle: 1, ready: 1, signal: 1, gone: false, ringBytes: RING_BYTES },
    markGone: () => undefined,
    closeSignals: () => undefined,
  };
  const adapter = { close: async () => undefined, stays: false };
  const info = { name: 'one', interfaceIndex: 1, mtu: 1500, up: true, addresses: [] };
  const link = new WindowsLink(
    adapter,
    session as unknown as Session,
    {} as unknown as WindowsControl,
    info,
  );
  return { link, taken: () => taken };
}

/** What nobody can read, since no byte of it is copied by a kernel32 that does nothing; and what is too long. */
const USELESS = [
  ['that cannot be read', 100, 'unreadable'],
  ['that are too long', 61_500, 'oversize'],
] as const;

for (const [what, length, counter] of USELESS) {
  test(`a take ends although packets ${what} go on coming`, options, () => {
    const { link, taken } = ringOf(100_000, length);
    const result = new TakeResult();
    assert.equal(link.take(new Uint8Array(0x40000), 0, 256, result), 0);
    assert.equal(taken(), 256);
    assert.equal(result[counter], 256);
    assert.equal(result.emptied, false, 'there may be more');
  });

  test(`throwing away ends although packets ${what} go on coming`, options, () => {
    const { link, taken } = ringOf(100_000, length);
    const result = new TakeResult();
    link.discardPending(result);
    assert.equal(result[counter], taken());
    // No more of the shortest are in the ring than so many: the rest was sent meanwhile.
    assert.ok(taken() >= RING_BYTES / 8 && taken() <= RING_BYTES / 8 + 256, `${taken()}`);
  });

  test(`all packets ${what} are thrown away that are there`, options, () => {
    const { link, taken } = ringOf(1000, length);
    const result = new TakeResult();
    link.discardPending(result);
    assert.deepEqual([taken(), result[counter]], [1000, 1000]);
    assert.notEqual(link.take(new Uint8Array(0x40000), 0, 256, result), LINK_CLOSED);
  });
}
