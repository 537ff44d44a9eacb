/** The path of single packets, against a kernel that the test plays. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_SUPER_PACKET_SEGMENTS } from '#dist/limits.js';
import { GiveResult, LINK_CLOSED, TakeResult } from '#dist/link/link.js';
import { DirectPath } from '#dist/link/linux/direct-path.js';
import { TunLink } from '#dist/link/linux/tun-link.js';
import { TunMemory } from '#dist/link/linux/tun-memory.js';
import { addressOf } from '#dist/os/address.js';
import type { WriteRing } from '#dist/os/write-ring.js';
import type { Hand } from '#dist/sync/hand.js';
import { createBundleIndex, indexBundle } from '#dist/wire/bundle.js';
import { naiveEncode } from '../../reference/bundle.ts';
import { ffiSkip } from '../../support/ffi.ts';
import { packet } from '../../support/packets.ts';
import { withLibc } from '../../support/scripted-libc.ts';
import { superPacket } from '../../support/transport-packets.ts';

const options = { skip: ffiSkip() };
const VNET = 10;
const EAGAIN = 11;
const EINVAL = 22;
const EBADFD = 77;

/** A ring that answers with `results`, whatever it is given. */
function ringOf(results: readonly number[]): WriteRing {
  return {
    begin: () => undefined,
    put: () => undefined,
    submit: () => undefined,
    results: Int32Array.from(results),
  } as unknown as WriteRing;
}

for (const [what, answers, lastErrno, returned, arrived] of [
  ['its device is gone', [64, 64, -EBADFD, -EBADFD, -EBADFD], 0, LINK_CLOSED, [0, 1]],
  ['one is refused', [64, 64, -EINVAL, 64, 64], EBADFD, 4, [0, 1, 3, 4]],
] as const) {
  test(`that ${what} is what the ring answers, not what the last call said`, options, () => {
    const path = new DirectPath({ fd: 9, mtu: 1500, ring: ringOf(answers) }, false);
    const bundle = naiveEncode([0, 1, 2, 3, 4].map((number) => packet(number)));
    const index = createBundleIndex();
    indexBundle(bundle, bundle.length, index);
    const result = new GiveResult();
    const got = withLibc({ errno: () => lastErrno }, () => path.give(bundle, index, result));
    assert.equal(got, returned);
    const numbers = [0, 1, 2, 3, 4].filter((i) => index.lengths[i]! > 0);
    assert.deepEqual(numbers, arrived);
    assert.deepEqual([result.packets, result.refused], [arrived.length, 5 - arrived.length]);
  });
}

test(
  'the packets of one that is too long to be carried are in hand before they are queued',
  options,
  () => {
    const payload = new Array<number>(62_000).fill(7);
    const { header, packet: long } = superPacket(
      { version: 4, protocol: 'tcp', flow: 0, payload },
      1000,
    );
    const path = new DirectPath({ fd: 9, mtu: 1500, ring: undefined }, true);
    const bytes = new Uint8Array(0x40000);
    let reads = 0;
    const read = (_fd: number, address: number): number => {
      if (reads++ > 0) return -1;
      const at = address - addressOf(bytes);
      bytes.set(header, at);
      bytes.set(long, at + VNET);
      return VNET + long.length;
    };
    let inHand = 0;
    const hand = { add: (packets: number) => (inHand += packets) } as unknown as Hand;
    const result = new TakeResult(hand);
    withLibc({ read, errno: () => EAGAIN }, () => path.take(bytes, 0, 256, result));
    assert.equal(result.remainderPackets, 62);
    assert.equal(inHand, 62);
  },
);

for (const offload of ['off', 'carry', 'split'] as const) {
  for (const [what, length] of [
    ['that cannot be read', 100],
    ['that are too long', 61_500],
  ] as const) {
    test(`${offload}: throwing away ends although packets ${what} go on coming`, options, () => {
      const shared = new TunMemory();
      shared.mtu = 1500;
      shared.hostQueueLength = 500;
      const headers = offload !== 'off';
      const passage = { medium: 'tun', offload, headers, events: false, segmentation: [] } as const;
      const link = new TunLink([9], shared, { ...passage, engine: 'syscalls' });
      const most = 500 * (offload === 'split' ? MAX_SUPER_PACKET_SEGMENTS : 1) + 256;
      let reads = 0;
      // What lies where packets are thrown to says version 0, as long as nobody writes there.
      const fill = (): number => {
        assert.ok(++reads <= most + 1, 'more than the host queues, and a bundle');
        return (headers ? VNET : 0) + length;
      };
      const result = new TakeResult();
      withLibc({ read: fill, readv: fill }, () => link.discardPending(result));
      assert.equal(result.packets + result.unreadable + result.oversize, reads);
      assert.ok(reads > 500);
    });
  }
}
