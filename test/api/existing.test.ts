/** Bad input to what makes an adapter on a device that exists. What needs a device is in test/kernel/. */

import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Adapter } from 'typetun';

type Refusal = readonly [string, () => Promise<Adapter>, new () => Error, RegExp];

const open = (name: unknown, options?: unknown): Promise<Adapter> =>
  Adapter.open(name as string, options as object);
const fromFd = (fd: unknown, options?: unknown): Promise<Adapter> =>
  Adapter.fromFd(fd as number, options as object);

const REFUSED: readonly Refusal[] = [
  ['no name', () => open(undefined), TypeError, /takes the name of an interface/],
  ['a name that is a number', () => open(7), TypeError, /7 is no interface name/],
  ['a name too long', () => open('sixteen-chars-xx'), RangeError, /has 16 bytes; at most 15/],
  [
    'an unknown option',
    () => open('a', { owner: 1 }),
    TypeError,
    /Adapter.open has no option "owner"/,
  ],
  ['an empty namespace', () => open('a', { netns: '' }), TypeError, /netns is ""/],
  ['no queue', () => open('a', { queues: 0 }), RangeError, /queues is 0/],
  [
    'options that are none',
    () => open('a', null),
    TypeError,
    /takes an object of options, not null/,
  ],
  [
    'no descriptor',
    () => fromFd(undefined),
    TypeError,
    /the descriptor is undefined; give a number/,
  ],
  ['a negative descriptor', () => fromFd(-1), RangeError, /the descriptor is -1/],
  ['a descriptor in words', () => fromFd('3'), TypeError, /the descriptor is "3"/],
  ['half a descriptor', () => fromFd(1.5), RangeError, /the descriptor is 1.5/],
  ['a descriptor over an int', () => fromFd(2 ** 31), RangeError, /the descriptor is 2147483648/],
  ['a name for a descriptor', () => fromFd(0, { name: 'a' }), TypeError, /no option "name"/],
  ['an MTU of 575', () => fromFd(0, { mtu: 575 }), RangeError, /mtu is 575/],
  [
    'IPv6 under 1280',
    () => fromFd(0, { mtu: 1000, addresses: ['fd07::1/64'] }),
    RangeError,
    /IPv6 needs/,
  ],
  ['a wrong address', () => fromFd(0, { addresses: ['10.7.0.1'] }), TypeError, /10\.7\.0\.1/],
  ['an unknown offload', () => fromFd(0, { offload: 'all' }), TypeError, /offload is "all"/],
  ['prefetch in words', () => fromFd(0, { prefetch: 'yes' }), TypeError, /prefetch is "yes"/],
];

for (const [what, attempt, type, message] of REFUSED) {
  test(`${what} is refused by name`, async () => {
    await assert.rejects(attempt(), (error: Error) => {
      assert.ok(error instanceof type, `${error.name}: ${error.message}`);
      assert.match(error.message, message);
      return true;
    });
  });
}

const skip = process.platform !== 'linux' && 'descriptors of Linux';

test("a descriptor that is no TUN is refused, and stays open and the caller's", {
  skip,
}, async () => {
  const file = openSync('/dev/null', 'r+');
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const socket = (server as unknown as { _handle: { fd: number } })._handle.fd;
  // The first attempt makes what all links of the thread use.
  await Adapter.fromFd(file).catch(() => {});
  const before = readdirSync('/proc/self/fd').length;
  for (const fd of [file, socket]) {
    await assert.rejects(Adapter.fromFd(fd), {
      code: 'ERR_TUN_NOT_TUN',
      message: /is no TUN device/,
    });
  }
  const after = readdirSync('/proc/self/fd').length;
  closeSync(file);
  await new Promise((resolve) => server.close(resolve));
  assert.equal(after, before);
  await assert.rejects(Adapter.fromFd(file), { code: 'ERR_TUN_NOT_TUN', message: /is not open/ });
});

test('an interface that does not exist is not found, by whoever asks', { skip }, async () => {
  await assert.rejects(Adapter.open('no-such-tun'), {
    code: 'ERR_TUN_NOT_FOUND',
    message: /no interface "no-such-tun" in this network namespace; make it/,
  });
});
