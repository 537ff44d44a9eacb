/** What a packet socket tells once, and how it is taken: with a scripted kernel. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiveResult, LINK_CLOSED, TakeResult } from '#dist/link/link.js';
import { TunLink } from '#dist/link/linux/tun-link.js';
import { TunMemory } from '#dist/link/linux/tun-memory.js';
import { VETH_PASSAGE } from '#dist/link/linux/veth-provider.js';
import { Errno } from '#dist/os/libc.js';
import { createBundleIndex, indexBundle } from '#dist/wire/bundle.js';
import { ffiSkip } from '../../support/ffi.ts';
import { udpPacket } from '../../support/ip-packets.ts';
import { bundleOf } from '../../support/link-use.ts';
import { withLibc } from '../../support/scripted-libc.ts';

const options = { skip: ffiSkip() };
const NO_FD = 9999;
const refusal = (errno: number) => ({ errno: () => errno });

function makeLink(): TunLink {
  const shared = new TunMemory();
  shared.mtu = 1500;
  return new TunLink([NO_FD], shared, { ...VETH_PASSAGE, events: false });
}

test('an end that goes down is gone, although it is still there', options, () => {
  const link = makeLink();
  const bytes = new Uint8Array(4096);
  const result = new TakeResult();
  withLibc({ read: () => -1, readv: () => -1, ...refusal(Errno.ENETDOWN) }, () => {
    assert.equal(link.take(bytes, 0, 256, result), LINK_CLOSED);
  });
  assert.equal(result.emptied, false);
  // It is told once, but holds.
  withLibc({ read: () => -1, readv: () => -1, ...refusal(Errno.EAGAIN) }, () => {
    assert.equal(link.take(bytes, 0, 256, result), LINK_CLOSED);
  });
});

test('what was taken before it comes first', options, () => {
  const link = makeLink();
  const bytes = new Uint8Array(4096);
  const result = new TakeResult();
  let reads = 0;
  const readv = (): number => {
    // One packet, and then nothing more.
    bytes[16] = 0x45;
    return reads++ === 0 ? 60 : -1;
  };
  withLibc({ read: readv, readv, ...refusal(Errno.ENETDOWN) }, () => {
    assert.equal(link.take(bytes, 0, 256, result), 80);
    assert.equal(result.packets, 1);
    assert.equal(link.take(bytes, 0, 256, result), LINK_CLOSED);
  });
});

test('a socket with nothing in it is not gone', options, () => {
  const link = makeLink();
  const result = new TakeResult();
  withLibc({ read: () => -1, readv: () => -1, ...refusal(Errno.EAGAIN) }, () => {
    assert.equal(link.take(new Uint8Array(4096), 0, 256, result), 0);
    assert.equal(result.emptied, true);
  });
});

for (const [name, closes] of [
  ['ENETDOWN', true],
  ['ENXIO', true],
  ['ENODEV', true],
  ['ENOBUFS', false],
  ['EAGAIN', false],
] as const) {
  test(`a packet refused with ${name} ${closes ? 'ends the link' : 'is counted'}`, options, () => {
    const link = makeLink();
    const bundle = bundleOf([1, 2, 3].map((n) => udpPacket('10.7.0.2', n, '10.7.0.1', n, bytes)));
    const index = createBundleIndex();
    indexBundle(bundle, bundle.length, index);
    const result = new GiveResult();
    let sent = 0;
    const sendPacket = (_fd: number, _data: number, length: number): number =>
      sent++ === 1 ? -1 : length;
    withLibc({ sendPacket, ...refusal(Errno[name]) }, () => {
      assert.equal(link.give(bundle, index, result), closes ? LINK_CLOSED : 2);
    });
    assert.deepEqual([result.packets, result.refused], closes ? [1, 2] : [2, 1]);
    assert.deepEqual([...index.lengths.subarray(0, 3)], closes ? [30, 0, 0] : [30, 0, 30]);
    const found = withLibc({ read: () => -1, readv: () => -1, ...refusal(Errno.EAGAIN) }, () =>
      link.take(new Uint8Array(4096), 0, 1, new TakeResult()),
    );
    assert.equal(found, closes ? LINK_CLOSED : 0);
  });
}

const bytes = Uint8Array.of(1, 2);
