/** What the packet paths hand to the kernel lies within the view they were given, whatever that says. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiveResult, TakeResult } from '#dist/link/link.js';
import { threadArena } from '#dist/link/linux/arena.js';
import { DirectPath } from '#dist/link/linux/direct-path.js';
import type { Path } from '#dist/link/linux/path.js';
import { SplitPath } from '#dist/link/linux/split-path.js';
import { addressOf } from '#dist/os/address.js';
import { createBundleIndex } from '#dist/wire/bundle.js';
import { ffiSkip } from '../../support/ffi.ts';
import { packet } from '../../support/packets.ts';
import { withLibc } from '../../support/scripted-libc.ts';

const DEVICE = { fd: 9, mtu: 1500, ring: undefined };
const SIZE = 0xf000;
const LONG = 0x30000;
const EAGAIN = 11;
const PATHS: readonly (readonly [string, number, () => Path])[] = [
  ['off', 0, () => new DirectPath(DEVICE, false)],
  ['carry', 10, () => new DirectPath(DEVICE, true)],
  ['split', 10, () => new SplitPath(DEVICE, false)],
];

/** The view, lying about all that can be lied about. */
function lying(bytes: Uint8Array): Uint8Array {
  return Object.defineProperties(bytes, {
    length: { value: 2 ** 20 },
    byteLength: { value: 2 ** 20 },
    byteOffset: { value: 2 ** 19 },
    buffer: { value: new ArrayBuffer(8) },
  });
}

for (const [offload, header, make] of PATHS) {
  for (const arena of [false, true]) {
    const where = `${offload}, ${arena ? 'a buffer of its own' : 'any buffer'}`;
    test(`${where}: no read goes beyond a view that says it is longer`, { skip: ffiSkip() }, () => {
      const path = make();
      const bytes = arena
        ? path.createBuffer(LONG)
        : new Uint8Array(new ArrayBuffer(2 * LONG), 16, LONG);
      const view = { start: bytes.byteOffset, end: bytes.byteOffset + LONG };
      const whole = new Uint8Array(bytes.buffer);
      whole.fill(0xee, view.end);
      // What is split lies in front of the buffer in its own arena, or in the thread's.
      const areas = offload === 'split' ? [whole, threadArena().memory] : [whole];
      const one = packet(1, 1400);
      let reads = 0;
      const read = (_fd: number, address: number, room: number): number => {
        const area = areas.find(
          (it) => address >= addressOf(it) && address < addressOf(it) + it.length,
        );
        assert.ok(area !== undefined, 'within a buffer');
        const at = address - addressOf(area);
        if (offload !== 'split') assert.ok(at >= view.start && at + room <= view.end);
        area.fill(0, at, at + header);
        area.set(one, at + header);
        reads++;
        return header + one.length;
      };
      withLibc({ read, readv: () => -1, errno: () => EAGAIN }, () =>
        path.take(lying(bytes), 0, 256, new TakeResult()),
      );
      assert.ok(reads > 50);
      assert.ok(whole.subarray(view.end).every((byte) => byte === 0xee));
    });

    test(`${where}: no write goes beyond a view that says it is longer`, {
      skip: ffiSkip(),
    }, () => {
      const path = make();
      const bytes = arena ? path.createBuffer(SIZE) : new Uint8Array(SIZE);
      const index = createBundleIndex();
      index.count = 1;
      index.offsets[0] = SIZE - 48;
      index.lengths[0] = 64;
      const written: number[] = [];
      withLibc({ write: (_fd, address) => written.push(address), errno: () => EAGAIN }, () =>
        assert.throws(() => path.give(lying(bytes), index, new GiveResult()), {
          code: 'ERR_TUN_BUFFER_DETACHED',
        }),
      );
      assert.deepEqual(written, []);
    });
  }
}
