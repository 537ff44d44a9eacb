/**
 * How packets pass the macOS link, over a socket pair of this system in utun's place: what a Mac's
 * kernel would do is not in it.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ffi } from '#dist/os/ffi.js';
import { darwin } from '#dist/os/darwin.js';
import { TakeResult } from '#dist/link/link.js';
import { MacosLink } from '#dist/link/macos/macos-link.js';
import { macosLink } from '#dist/link/macos/provider.js';
import { pattern, udpPacket } from '../../support/ip-packets.ts';
import { givePackets, linkConfig, takePackets, until } from '../../support/link-use.ts';

/** `AF_UNIX`, `SOCK_DGRAM | SOCK_NONBLOCK` of Linux. */
const PAIR = [1, 2 | 0o4000, 0] as const;
const skip = process.platform !== 'linux' && 'makes a socket pair as Linux does';

const packet = (size: number, n = 0): Uint8Array =>
  udpPacket('10.7.0.1', 4000, '10.7.0.2', 5000, pattern(size, n));

interface Pair extends AsyncDisposable {
  readonly link: MacosLink;
  /** The kernel's end. */
  readonly far: number;
}

function open(mtu = 1500): Pair {
  const fds = new Int32Array(2);
  const socketpair = ffi().load(null).func('int socketpair(int, int, int, void *)');
  assert.equal(socketpair(...PAIR, fds), 0);
  const [near, far] = [fds[0]!, fds[1]!];
  const info = { name: 'utun7', interfaceIndex: 7, mtu, up: true, addresses: [] };
  const link = new MacosLink({ fd: near, name: 'utun7' }, info);
  return {
    link,
    far,
    [Symbol.asyncDispose]: async () => {
      await link.close();
      darwin().close(far);
    },
  };
}

function hostSend({ far }: Pair, bytes: Uint8Array): void {
  const family = bytes[0]! >>> 4 === 6 ? 30 : 2;
  const whole = Uint8Array.of(0, 0, 0, family, ...bytes);
  assert.equal(darwin().write(far, whole, whole.length), whole.length);
}

test('each packet passes with its family in front, and comes without it', { skip }, async () => {
  await using pair = open();
  const packets = [
    packet(0),
    packet(100, 1),
    udpPacket('fd07::1', 4000, 'fd07::2', 5000, pattern(40)),
  ];
  assert.equal(givePackets(pair.link, packets).delivered, 3);
  const bytes = new Uint8Array(2000);
  for (const given of packets) {
    const length = darwin().read(pair.far, bytes, bytes.length);
    assert.deepEqual(bytes.slice(4, length), given);
    assert.deepEqual([...bytes.subarray(0, 4)], [0, 0, 0, given[0]! >>> 4 === 6 ? 30 : 2]);
  }
  for (const sent of packets) hostSend(pair, sent);
  assert.deepEqual(takePackets(pair.link), packets);
  assert.deepEqual(takePackets(pair.link), []);
});

test('a packet that does not fit is the remainder, and what is no packet is counted', {
  skip,
}, async () => {
  await using pair = open();
  hostSend(pair, packet(1000));
  const result = new TakeResult();
  assert.equal(pair.link.take(new Uint8Array(512), 0, 256, result), 0);
  assert.deepEqual([result.remainderPackets, result.remainderOctets], [1, 1028]);
  assert.deepEqual(pair.link.remainder.slice(16, 16 + 1028), packet(1000));
  hostSend(pair, Uint8Array.of(0x55, ...new Uint8Array(30)));
  hostSend(pair, new Uint8Array(61_500).fill(0x45));
  pair.link.take(new Uint8Array(0x20000), 0, 256, result);
  assert.deepEqual([result.packets, result.unreadable, result.oversize], [0, 1, 1]);
});

test('what is no packet counts against the most that is taken at once', { skip }, async () => {
  await using pair = open();
  for (let n = 0; n < 3; n++) hostSend(pair, Uint8Array.of(0x55, ...new Uint8Array(30)));
  const result = new TakeResult();
  assert.equal(pair.link.take(new Uint8Array(0x20000), 0, 2, result), 0);
  assert.deepEqual([result.unreadable, result.emptied], [2, false]);
  pair.link.take(new Uint8Array(0x20000), 0, 2, result);
  assert.deepEqual([result.unreadable, result.emptied], [1, true]);
});

test('packets that wait are told of, thrown away when asked, and end a park', {
  skip,
}, async () => {
  await using pair = open();
  let told = 0;
  const watch = pair.link.watch(() => {
    told++;
    watch.stop();
  });
  watch.start();
  for (let n = 0; n < 5; n++) hostSend(pair, packet(10, n));
  assert.ok(await until(() => told === 1));
  const words = new Int32Array(new SharedArrayBuffer(4)).fill(1);
  const start = performance.now();
  pair.link.park(0, words, 0, 100);
  assert.ok(performance.now() - start < 50);
  const result = new TakeResult();
  pair.link.discardPending(result);
  assert.deepEqual([result.packets, result.octets], [5, 5 * 38]);
});

test('what this release does not set is refused with the command that does', async () => {
  const code = 'ERR_TUN_UNSUPPORTED';
  const open = (change: object): Promise<unknown> =>
    macosLink().open({ ...linkConfig, addresses: [], ...change });
  await assert.rejects(open({ addresses: ['10.7.0.1/24'] }), {
    code,
    message: /sudo ifconfig utunN inet 10\.7\.0\.1\/24 10\.7\.0\.1"/,
  });
  await assert.rejects(open({ addresses: ['fd07::1/64'] }), {
    code,
    message: /inet6 fd07::1 prefixlen 64/,
  });
  await assert.rejects(open({ routes: [{ destination: '10.8.0.0/16' }] }), {
    code,
    message: /sudo route -n add -net 10\.8\.0\.0\/16 -interface utunN/,
  });
  await assert.rejects(open({ name: 'tun0' }), {
    code,
    message: /macOS names them utun and a number/,
  });
  await assert.rejects(open({ netns: 'blue' }), { code });
  await assert.rejects(open({ offload: 'carry' }), { code });
  for (const change of [{ persist: true }, { owner: 501 }, { group: 20 }]) {
    await assert.rejects(open(change), { code, message: /leave persist, owner and group out/ });
  }
});
