/**
 * Bad input over the API: each gets an error that names the value and the remedy, and afterwards the
 * adapter still works and nothing was half delivered. The command line's table is in test/cli/.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Adapter,
  type AdapterOptions,
  BundleWriter,
  isTunError,
  openDevice,
  TunError,
} from 'typetun';
import { MemoryHost } from 'typetun/testing';
import { memoryAdapter } from '../support/memory-adapter.ts';
import { numberOf, packet, turns } from '../support/packets.ts';

/** Options that are refused: what is wrong with them, and what the message must say. */
const OPTIONS: readonly (readonly [string, unknown, new (...args: never[]) => Error, RegExp])[] = [
  [
    'an unknown option',
    { adresses: [] },
    TypeError,
    /no option "adresses"; there are name, addresses/,
  ],
  ['no object', null, TypeError, /takes an object of options, not null/],
  ['an address without prefix', { addresses: ['10.7.0.1'] }, TypeError, /"?10\.7\.0\.1"?.*\/24/],
  ['an octet over 255', { addresses: ['10.7.0.256/24'] }, TypeError, /10\.7\.0\.256/],
  ['a leading zero', { addresses: ['10.07.0.1/24'] }, TypeError, /10\.07\.0\.1/],
  ['an IPv4 prefix over 32', { addresses: ['10.7.0.1/33'] }, RangeError, /33.*32/],
  ['an IPv6 prefix over 128', { addresses: ['fd07::1/129'] }, RangeError, /129.*128/],
  ['a host name', { addresses: ['localhost/8'] }, TypeError, /localhost/],
  ['two double colons', { addresses: ['fd07::1::2/64'] }, TypeError, /fd07::1::2/],
  [
    'the unspecified address',
    { addresses: ['0.0.0.0/0'] },
    TypeError,
    /0\.0\.0\.0\/0 is the unspecified/,
  ],
  [
    'a multicast address',
    { addresses: ['224.0.0.1/24'] },
    TypeError,
    /224\.0\.0\.1\/24 is a multicast/,
  ],
  [
    'an IPv6 multicast address',
    { addresses: ['ff02::1/64'] },
    TypeError,
    /ff02::1\/64 is a multicast/,
  ],
  ['the broadcast address', { addresses: ['255.255.255.255/8'] }, TypeError, /is the broadcast/],
  [
    'an address twice',
    { addresses: ['fd07::1/64', 'FD07:0::1/64'] },
    TypeError,
    /fd07::1\/64 is given twice/,
  ],
  [
    'addresses as text',
    { addresses: '10.7.0.1/24' },
    TypeError,
    /addresses is string; give an array/,
  ],
  ['an MTU of 575', { mtu: 575 }, RangeError, /mtu is 575; .* 576 to 61424 bytes/],
  ['an MTU of 61,425', { mtu: 61_425 }, RangeError, /mtu is 61425; .* 576 to 61424 bytes/],
  ['an MTU that is no number', { mtu: '1500' }, TypeError, /mtu is "1500"; give a number/],
  ['an MTU with a fraction', { mtu: 1500.5 }, RangeError, /mtu is 1500\.5; give a whole number/],
  ['an MTU of NaN', { mtu: Number.NaN }, RangeError, /mtu is NaN/],
  [
    'IPv6 under an MTU of 1280',
    { mtu: 1279, addresses: ['fd07::1/64'] },
    RangeError,
    /1279; IPv6 needs at least 1280/,
  ],
  [
    'link-local under 1280',
    { mtu: 1000, ipv6LinkLocal: true },
    RangeError,
    /1000; IPv6 needs at least 1280/,
  ],
  [
    'a name too long',
    { name: 'sixteen-chars-xx' },
    RangeError,
    /"sixteen-chars-xx" has 16 bytes; at most 15/,
  ],
  ['a name with a slash', { name: 'a/b' }, TypeError, /"a\/b" has a character that is not allowed/],
  ['a name with a space', { name: 'a b' }, TypeError, /"a b" has a character that is not allowed/],
  ['a name pattern', { name: 'tun%d' }, TypeError, /"tun%d" has a character that is not allowed/],
  ['a name beyond ASCII', { name: 'tün' }, TypeError, /"tün" has a character that is not allowed/],
  ['an empty name', { name: '' }, TypeError, /"" is no interface name/],
  [
    'a route with host bits',
    { routes: ['10.8.0.1/16'] },
    TypeError,
    /10\.8\.0\.1\/16 has host bits set; did you mean 10\.8\.0\.0\/16/,
  ],
  [
    'a negative metric',
    { routes: [{ destination: '10.8.0.0/16', metric: -1 }] },
    RangeError,
    /metric of a route is -1/,
  ],
  [
    'a drop policy',
    { dropPolicy: 'drop-all' },
    TypeError,
    /dropPolicy is "drop-all"; give 'drop-oldest' or 'drop-newest'/,
  ],
  [
    'a byte bound too small',
    { queueBytes: 61_439 },
    RangeError,
    /queueBytes is 61439; .* 61440 to 61440000/,
  ],
  ['a host queue of 0', { hostQueueLength: 0 }, RangeError, /hostQueueLength is 0/],
  ['no queue', { queues: 0 }, RangeError, /queues is 0; give a whole number from 1 to 16/],
  ['17 queues', { queues: 17 }, RangeError, /queues is 17/],
  ['queues in words', { queues: 'many' }, TypeError, /queues is "many"; give a number/],
  [
    'an unknown engine',
    { engine: 'fast' },
    TypeError,
    /engine is "fast"; give 'auto', 'io_uring' or/,
  ],
  ['prefetch as text', { prefetch: 'yes' }, TypeError, /prefetch is "yes"; give true or false/],
  [
    'a name that is a symbol',
    { name: Symbol('tt') },
    TypeError,
    /Symbol\(tt\) is no interface name/,
  ],
  ['an MTU without a text', { mtu: Object.create(null) }, TypeError, /mtu is an object; give/],
  ['a route that is null', { routes: [null] }, TypeError, /a route takes an object of options/],
  [
    'a route that is a number',
    { routes: [5] },
    TypeError,
    /a route takes an object of options, not 5/,
  ],
  [
    'a misspelt member of a route',
    { routes: [{ destination: '10.8.0.0/16', metrik: 5 }] },
    TypeError,
    /a route has no option "metrik"; there are destination, metric/,
  ],
  [
    'a provider that opens nothing',
    { link: { name: 'none', open: async () => undefined } },
    TypeError,
    /the provider "none" opened no link/,
  ],
  ['an empty namespace', { netns: '' }, TypeError, /netns is ""/],
  ['persist in words', { persist: 'yes' }, TypeError, /persist is "yes"; give true or false/],
  ['a user by name', { owner: 'nobody' }, TypeError, /owner is "nobody"; give a number from 0/],
  ['the user that is nobody', { owner: 2 ** 32 - 1 }, RangeError, /owner is 4294967295/],
  ['a negative group', { group: -1 }, RangeError, /group is -1; give a whole number from 0/],
  [
    'a persistent adapter in process',
    { persist: true },
    TunError,
    /leave persist, owner and group out/,
  ],
  ['an owner of an adapter in process', { owner: 0 }, TunError, /leave persist, owner and group/],
  [
    'a link that is not there',
    { link: 'pigeon' },
    TypeError,
    /link is "pigeon"; give 'linux', .*'memory'/,
  ],
  [
    'a ring that is too small',
    { wintun: { ringBytes: 65_536 } },
    RangeError,
    /wintun\.ringBytes is 65536; give a whole number from 131072 to 67108864 bytes/,
  ],
  [
    'a ring that is too large',
    { wintun: { ringBytes: 2 ** 27 } },
    RangeError,
    /wintun\.ringBytes is 134217728/,
  ],
  [
    'a ring that is no power of two',
    { wintun: { ringBytes: 200_000 } },
    RangeError,
    /wintun\.ringBytes is 200000; give a power of two/,
  ],
  [
    'a DLL by a relative path',
    { wintun: { dll: 'wintun.dll' } },
    TypeError,
    /wintun\.dll is "wintun\.dll"; give the whole path/,
  ],
  [
    'a DLL in the root of no drive',
    { wintun: { dll: '\\wintun.dll' } },
    TypeError,
    /give the whole path/,
  ],
  ['a GUID', { wintun: { guid: 'd0a9c1a2' } }, TypeError, /wintun\.guid is "d0a9c1a2"; give one/],
  [
    'a name server that is none',
    { wintun: { dns: ['dns.example'] } },
    TypeError,
    /"dns\.example" is no/,
  ],
  ['name servers in one text', { wintun: { dns: '10.7.0.2' } }, TypeError, /wintun\.dns is/],
  [
    'a misspelt option of Windows',
    { wintun: { allowUnsinged: true } },
    TypeError,
    /wintun has no option "allowUnsinged"; there are dll/,
  ],
  [
    'a yes for a true',
    { wintun: { allowUnsigned: 'yes' } },
    TypeError,
    /wintun\.allowUnsigned is "yes"; give true or false/,
  ],
];

for (const [what, options, type, message] of OPTIONS) {
  test(`Adapter.create refuses ${what}`, async () => {
    const before = (await Adapter.list()).length;
    const given =
      options !== null && !Object.hasOwn(options as object, 'link')
        ? { link: new MemoryHost({}).provider(), ...(options as AdapterOptions) }
        : (options as AdapterOptions);
    await assert.rejects(Adapter.create(given), (error: Error) => {
      assert.ok(error instanceof type, `${error.name}: ${error.message}`);
      assert.match(error.message, message);
      return true;
    });
    assert.equal((await Adapter.list()).length, before);
  });
}

test('Adapter.create refuses a list of options', async () => {
  await assert.rejects(Adapter.create([] as never), /takes an object of options, not an array/);
});

/** Entries by hand: size word in the host's order, then what follows. */
function entry(size: number, body: Uint8Array, length = 16 + body.length): Uint8Array {
  const bytes = new Uint8Array(length);
  new Uint32Array(bytes.buffer, 0, 1)[0] = size;
  bytes.set(body.subarray(0, Math.max(0, length - 16)), 16);
  return bytes;
}

function changed(bytes: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[offset] = value;
  return copy;
}

function many(count: number): Uint8Array {
  const bytes = new Uint8Array(count * 80);
  for (let i = 0; i < count; i++) bytes.set(entry(64, packet(i)), i * 80);
  return bytes;
}

const GOOD = packet(1);
const BUNDLES: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['nothing', new Uint8Array(0), /0 bytes long; the shortest holds one entry header of 16/],
  ['15 bytes', new Uint8Array(15), /15 bytes long/],
  [
    'a truncated second entry',
    joined(entry(64, GOOD), new Uint8Array(7)),
    /entry 1 at offset 80 is truncated: 7 bytes/,
  ],
  [
    'a size word past the end',
    entry(65, GOOD),
    /entry 0 at offset 0 says 65 bytes and runs past the end: 64 are left/,
  ],
  ['a size of zero', entry(0, GOOD), /entry 0 at offset 0 has size 0/],
  ['a size of 61,425', entry(61_425, GOOD), /has size 61425; a packet is at most 61424/],
  ['a size of 2^32 - 1', entry(2 ** 32 - 1, GOOD), /has size 4294967295/],
  ['257 packets', many(257), /more than 256 packets/],
  ['version nibble 5', entry(64, changed(GOOD, 0, 0x55)), /version nibble 5 and 64 bytes/],
  [
    'an IPv4 packet of 19 bytes',
    entry(19, changed(new Uint8Array(32), 0, 0x45)),
    /version nibble 4 and 19 bytes/,
  ],
  [
    'an IPv6 packet of 39 bytes',
    entry(39, changed(new Uint8Array(48), 0, 0x60)),
    /version nibble 6 and 39 bytes/,
  ],
  [
    'a byte in the header padding',
    changed(entry(64, GOOD), 9, 3),
    /the byte 0x3 at offset 9 in the padding behind its size word/,
  ],
  [
    'a byte in the tail padding',
    changed(entry(60, changed(packet(1, 60), 0, 0x45), 80), 79, 4),
    /the byte 0x4 at offset 79 in the padding behind its packet/,
  ],
  [
    'an unaligned tail',
    entry(60, packet(1, 60), 76),
    /lacks 4 of the zero bytes that pad its packet of 60/,
  ],
  [
    'a second block of README padding',
    joined(entry(64, GOOD), new Uint8Array(32)),
    /entry 1 at offset 96 has size 0/,
  ],
];

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

for (const [what, bytes, message] of BUNDLES) {
  for (const position of ['alone', 'behind a good entry'] as const) {
    if (position !== 'alone' && (bytes.length < 16 || what === '257 packets')) continue;
    test(`a write refuses ${what}, ${position}, whole, and the adapter goes on`, async () => {
      await using subject = await memoryAdapter();
      const device = subject.adapter.openDevice();
      const received: number[] = [];
      subject.host.onPacket((one) => received.push(numberOf(one)));
      const bundle = position === 'alone' ? bytes : joined(entry(64, packet(9)), bytes);
      await assert.rejects(device.write(bundle), (error: unknown) => {
        assert.ok(isTunError(error, 'ERR_TUN_BUNDLE_INVALID'));
        if (position === 'alone') assert.match(error.message, message);
        assert.match(error.message, /nothing delivered/);
        return true;
      });
      await turns();
      assert.deepEqual(received, []);
      assert.equal(await device.write(entry(64, packet(3))), 1);
      await turns();
      assert.deepEqual(received, [3]);
      assert.equal(subject.adapter.statistics.in.errors, 1);
    });
  }
}

const CALLS: readonly (readonly [
  string,
  (adapter: Adapter) => unknown,
  (error: Error & { code?: string }) => boolean,
  RegExp,
])[] = [
  [
    'a timeout that is text',
    (a) => a.openDevice().readSync(undefined, { timeoutMs: '300' as never }),
    isType,
    /timeoutMs is 300; give a number/,
  ],
  [
    'options of a read that are null',
    (a) => a.openDevice().readSync(undefined, null as never),
    isType,
    /options of readSync are an object, not null/,
  ],
  [
    'a signal that is none',
    (a) => a.openDevice().read(undefined, { signal: {} as never }),
    isType,
    /signal is object; give the signal of an AbortController/,
  ],
  [
    'a read buffer that is too short',
    (a) => a.openDevice().read(new Uint8Array(61_439)),
    isRange,
    /61439 bytes; give at least 61440/,
  ],
  [
    'a read buffer that is no Uint8Array',
    (a) => a.openDevice().read('x' as never),
    isType,
    /not string/,
  ],
  [
    'a blocking read with a negative time',
    (a) => a.openDevice().readSync(undefined, { timeoutMs: -1 }),
    isRange,
    /timeoutMs is -1/,
  ],
  [
    'a blocking read for NaN ms',
    (a) => a.openDevice().readSync(undefined, { timeoutMs: Number.NaN }),
    isRange,
    /timeoutMs is NaN/,
  ],
  [
    'a write of text',
    (a) => a.openDevice().write('x' as never),
    isType,
    /Uint8Array, a Bundle or a BundleWriter, not as string/,
  ],
  [
    'a read on a closed handle',
    (a) => closedHandle(a).read(),
    isCode('ERR_TUN_HANDLE_CLOSED'),
    /closed; open another/,
  ],
  [
    'a write on a closed handle',
    (a) => closedHandle(a).write(entry(64, GOOD)),
    isCode('ERR_TUN_HANDLE_CLOSED'),
    /closed; open another/,
  ],
  ['a power state', (a) => a.setPower('D4' as never), isType, /power is "D4"; give 'D0'/],
  ['the power state Unspecified', (a) => a.setPower('Unspecified' as never), isType, /Unspecified/],
  [
    'a change with an unknown member',
    (a) => a.configure({ name: 'x' } as never),
    isType,
    /no option "name"; there are addresses, mtu, routes/,
  ],
  ['a change to a small MTU', (a) => a.configure({ mtu: 500 }), isRange, /mtu is 500/],
  [
    'a change to IPv6 under 1280',
    (a) => a.configure({ mtu: 1000, addresses: ['fd07::1/64'] }),
    isRange,
    /1000; IPv6 needs/,
  ],
  [
    'a device name',
    () => openDevice('eth0'),
    isType,
    /"eth0" is no device name; write \\\\\.\\Device\\WINTUN7/,
  ],
  ['a device index over 32 bits', () => openDevice('WINTUN4294967296'), isType, /WINTUN4294967296/],
  [
    'a device that is not there',
    () => openDevice('WINTUN4294967295'),
    isCode('ERR_TUN_NOT_FOUND'),
    /WINTUN4294967295; there is only \\\\/,
  ],
  [
    'an unknown OID',
    (a) => a.queryInformation(0x1234, new Uint8Array(64)),
    isCode('ERR_TUN_OID_NOT_SUPPORTED'),
    /0x00001234/,
  ],
  [
    'a short OID buffer',
    (a) => a.queryInformation(0x0001010c, new Uint8Array(3)),
    isCode('ERR_TUN_OID_TOO_SHORT'),
    /takes 4 bytes; the buffer has 3/,
  ],
  [
    'interrupt moderation',
    (a) => a.setInformation(0x00010209, new Uint8Array(8)),
    isCode('ERR_TUN_OID_INVALID_DATA'),
    /no interrupts/,
  ],
  [
    'a packet filter of 5 bytes',
    (a) => a.setInformation(0x0001010e, new Uint8Array(5)),
    isCode('ERR_TUN_OID_INVALID_DATA'),
    /exactly 4/,
  ],
  [
    'a lookahead of 3 bytes',
    (a) => a.setInformation(0x0001010f, new Uint8Array(3)),
    isCode('ERR_TUN_OID_TOO_SHORT'),
    /takes 4/,
  ],
];

function closedHandle(adapter: Adapter): ReturnType<Adapter['openDevice']> {
  const device = adapter.openDevice();
  void device.close();
  return device;
}

function isRange(error: Error): boolean {
  return error instanceof RangeError;
}

function isType(error: Error): boolean {
  return error instanceof TypeError;
}

function isCode(code: string): (error: Error & { code?: string }) => boolean {
  return (error) => isTunError(error) && error.code === code;
}

for (const [what, call, isRight, message] of CALLS) {
  test(`the API refuses ${what} and the adapter goes on`, async () => {
    await using subject = await memoryAdapter();
    await assert.rejects(
      async () => await call(subject.adapter),
      (error: Error) => {
        assert.ok(isRight(error), `${error.name}: ${error.message}`);
        assert.match(error.message, message);
        return true;
      },
    );
    const device = subject.adapter.openDevice();
    const writer = new BundleWriter(new Uint8Array(128));
    writer.append(packet(1));
    assert.equal(await device.write(writer), 1);
    subject.host.send(packet(2));
    assert.equal((await device.read()).count, 1);
  });
}

test('a device of a closed adapter cannot be opened again', async () => {
  const subject = await memoryAdapter();
  await subject.adapter.close();
  assert.throws(
    () => subject.adapter.openDevice(),
    (error: unknown) =>
      isTunError(error, 'ERR_TUN_DELETE_PENDING') &&
      /Halted \(delete pending\)/.test(error.message),
  );
});

test('isTunError is false for everything that is not one', () => {
  const others = [null, undefined, 0, 'x', {}, new Error('x'), { code: 'ERR_TUN_CANCELLED' }];
  for (const other of others) assert.equal(isTunError(other), false);
});
