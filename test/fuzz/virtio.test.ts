/**
 * The link against whatever a kernel might hand it: virtio-net headers and packets changed at random come
 * out of a pipe in a TUN's place, for TYPETUN_FUZZ_MS each (default 3 s). Each is counted, once, as packets
 * or as refused, and nothing is written outside the bundle.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { BundleReader } from 'typetun';
import { TakeResult } from '#dist/link/link.js';
import { TunLink } from '#dist/link/linux/tun-link.js';
import { TunMemory } from '#dist/link/linux/tun-memory.js';
import type { Hand } from '#dist/sync/hand.js';
import { superPacket } from '../support/transport-packets.ts';

const MS = Number(process.env['TYPETUN_FUZZ_MS'] ?? 3000);
const PREFILL = 0xa5;
const MARGIN = 4096;
const MTU = 1500;

function skipReason(): string | false {
  if (process.platform !== 'linux') return 'the link over a descriptor is that of Linux';
  try {
    createRequire(import.meta.url)('koffi');
    return false;
  } catch {
    return 'needs the package koffi';
  }
}

const FAMILIES = [
  [4, 'tcp'],
  [6, 'tcp'],
  [4, 'udp'],
  [6, 'udp'],
] as const;

/** Right ones with some bytes changed, in the virtio-net header (10 bytes) above all; and any bytes. */
const plausible = fc
  .record({
    family: fc.constantFrom(...FAMILIES),
    payload: fc.integer({ min: 0, max: 30_000 }),
    gsoSize: fc.integer({ min: 0, max: 3000 }),
    changes: fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 }),
    cut: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(200)),
  })
  .map(({ family: [version, protocol], payload, gsoSize, changes, cut }) => {
    const recipe = { version, protocol, flow: 0, payload: new Array<number>(payload).fill(7) };
    const { header, packet } = superPacket(recipe, gsoSize);
    const bytes = Buffer.concat([header, packet]);
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return bytes.subarray(0, Math.max(11, bytes.length - cut));
  });
const wild = fc.uint8Array({ minLength: 11, maxLength: 2000 }).map((bytes) => Buffer.from(bytes));
const capacities = fc.integer({ min: MARGIN, max: 0x20000 }).map((bytes) => bytes & ~15);

describe('what a kernel might hand over', { skip: skipReason() }, () => {
  let folder: string;
  let fd: number;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'typetun-fuzz-'));
    execFileSync('mkfifo', [join(folder, 'tun')]);
    fd = openSync(join(folder, 'tun'), constants.O_RDWR | constants.O_NONBLOCK);
  });

  after(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  for (const offload of ['split', 'carry'] as const) {
    test(`is counted once, and stays in the bundle: ${offload}`, (context) => {
      const memory = new TunMemory();
      memory.mtu = MTU;
      memory.hostQueueLength = 1000;
      const segmentation = ['tso4', 'tso6', 'uso'] as const;
      const engine = 'syscalls';
      const medium = 'tun';
      const passage = {
        medium,
        offload,
        headers: true,
        segmentation,
        engine,
        events: true,
      } as const;
      const link = new TunLink([fd], memory, passage);
      const reader = new BundleReader({ carried: offload === 'carry' });
      let noted = 0;
      const result = new TakeResult({
        add: (count: number) => (noted += count),
      } as unknown as Hand);
      const outcomes = { taken: 0, refused: 0, aside: 0 };
      const check = (bytes: Buffer, capacity: number): void => {
        const area = new Uint8Array(capacity + 2 * MARGIN).fill(PREFILL);
        const buffer = area.subarray(MARGIN, MARGIN + capacity);
        assert.equal(writeSync(fd, bytes), bytes.length);
        noted = 0;
        const length = link.take(buffer, 0, 256, result);
        const { packets, oversize, unreadable, remainderPackets } = result;
        assert.ok(length >= 0 && length <= capacity && length % 16 === 0, `${length}`);
        // What it stands for is counted, each packet of it once.
        assert.equal(noted, packets + oversize + unreadable + remainderPackets);
        assert.ok(noted > 0);
        if (packets > 0) {
          let octets = 0;
          reader.reset(buffer, length);
          while (reader.next()) octets += reader.length;
          assert.deepEqual([reader.count, octets], [packets, result.octets]);
        } else {
          assert.equal(length, 0);
        }
        const outside = [area.subarray(0, MARGIN), area.subarray(MARGIN + capacity)];
        for (const side of outside) assert.ok(side.every((byte) => byte === PREFILL));
        outcomes.taken += packets;
        outcomes.refused += oversize + unreadable;
        outcomes.aside += remainderPackets;
      };
      fc.assert(fc.property(fc.oneof(plausible, plausible, wild), capacities, check), {
        numRuns: Number.MAX_SAFE_INTEGER,
        plugins: [fc.interruptAfterTimeLimit(MS)],
      });
      context.diagnostic(JSON.stringify(outcomes));
      for (const [what, count] of Object.entries(outcomes)) assert.ok(count > 0, `never ${what}`);
    });
  }
});
