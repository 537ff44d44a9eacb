/** Buffers that are not what they say they are, and buffers that are too large. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BundleWriter, type Device } from 'typetun';
import { memoryAdapter } from '../support/memory-adapter.ts';
import { packet } from '../support/packets.ts';

const READ_BYTES = 0xf000;
const GIB = 2 ** 30;

/** A class of a program's own that means something else by `length`. */
class Odd extends Uint8Array {
  override get length(): number {
    return super.length + 16;
  }
}

/** A class of a program's own that changes nothing of what matters. */
class Named extends Uint8Array {
  readonly title = 'mine';
}

function own(bytes: Uint8Array, name: string, value: unknown): Uint8Array {
  return Object.defineProperty(bytes, name, { value });
}

function bundleIn(bytes: Uint8Array): Uint8Array {
  const writer = new BundleWriter();
  writer.append(packet(1));
  bytes.set(writer.finish());
  return bytes;
}

const LIARS: readonly (readonly [string, (bytes: number) => Uint8Array, RegExp])[] = [
  [
    'an own length',
    (n) => own(new Uint8Array(n), 'length', n + 16),
    /its length is \d+, and it is/,
  ],
  ['an own byteOffset', (n) => own(new Uint8Array(n), 'byteOffset', 16), /its byteOffset is 16/],
  ['an own buffer', (n) => own(new Uint8Array(n), 'buffer', new ArrayBuffer(n)), /its buffer is/],
  ['a length of its class', (n) => new Odd(n), /its length is \d+, and it is/],
  ['an own length in a Buffer', (n) => own(Buffer.alloc(n), 'length', n + 16), /its length is/],
];

const CALLS: readonly (readonly [
  string,
  (device: Device, bytes: Uint8Array) => Promise<unknown>,
])[] = [
  ['read', async (device, bytes) => await device.read(bytes)],
  ['readSync', async (device, bytes) => device.readSync(bytes)],
  ['write', async (device, bytes) => await device.write(bytes)],
  ['writeSync', async (device, bytes) => device.writeSync(bytes)],
];

for (const [what, make, message] of LIARS) {
  for (const [name, call] of CALLS) {
    test(`${name} refuses a view with ${what}`, async () => {
      await using subject = await memoryAdapter();
      const device = subject.adapter.openDevice();
      const bytes = make(name.startsWith('read') ? READ_BYTES : 80);
      subject.host.send(packet(2));
      await assert.rejects(call(device, bytes), (error: Error) => {
        assert.ok(error instanceof TypeError, `${error.name}: ${error.message}`);
        assert.match(error.message, message);
        return true;
      });
      assert.equal(await device.write(bundleIn(new Uint8Array(80))), 1);
    });
  }
}

test('a view that gets a length of its own after it was used is refused', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const bytes = bundleIn(new Uint8Array(80));
  assert.equal(device.writeSync(bytes), 1);
  own(bytes, 'length', 160);
  assert.throws(() => device.writeSync(bytes), TypeError);
});

test('what only looks like a Uint8Array is refused, and a class that changes nothing passes', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  for (const fake of [Object.create(Uint8Array.prototype), new Proxy(new Uint8Array(80), {})]) {
    assert.throws(() => device.writeSync(fake as Uint8Array), /written as a Uint8Array/);
    assert.throws(() => device.readSync(fake as Uint8Array), /read buffer is a Uint8Array/);
  }
  assert.throws(() => device.writeSync(undefined as never), /written as a Uint8Array/);
  assert.equal(device.writeSync(bundleIn(new Named(80))), 1);
  subject.host.send(packet(2));
  assert.equal((await device.read(new Named(READ_BYTES))).count, 1);
});

test('a writer or bundle that was tampered with is refused', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const liar = own(bundleIn(new Uint8Array(80)), 'length', 160);
  class Loud extends BundleWriter {
    override get bytes(): Uint8Array {
      return liar;
    }
    override get length(): number {
      return 80;
    }
  }
  assert.throws(() => device.writeSync(new Loud()), TypeError);
  subject.host.send(packet(2));
  const bundle = await device.read();
  Object.assign(bundle, { readBuffer: liar });
  assert.throws(() => device.writeSync(bundle), TypeError);
});

/** Address space only: no page of it is touched but those that are written. */
function large(bytes: number): ArrayBuffer | string {
  try {
    return new ArrayBuffer(bytes);
  } catch (error) {
    return `no buffer of ${bytes} bytes can be had: ${String(error)}`;
  }
}

const huge = large(4 * GIB);
const skip = typeof huge === 'string' ? huge : false;

for (const [name, call] of CALLS) {
  test(`${name} refuses a view of a buffer of 4 GiB, and names its size`, { skip }, async () => {
    await using subject = await memoryAdapter();
    const device = subject.adapter.openDevice();
    const bytes = new Uint8Array(huge as ArrayBuffer, 4 * GIB - 0x10000, READ_BYTES);
    subject.host.send(packet(2));
    await assert.rejects(call(device, bytes), (error: Error) => {
      assert.ok(error instanceof RangeError, `${error.name}: ${error.message}`);
      assert.match(error.message, /4294967296 bytes/);
      return true;
    });
  });
}

test('a view of a buffer that can grow to 4 GiB is refused, too', async () => {
  await using subject = await memoryAdapter();
  const device = subject.adapter.openDevice();
  const Resizable = ArrayBuffer as unknown as new (
    bytes: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer;
  const buffer = new Resizable(80, { maxByteLength: 4 * GIB });
  assert.throws(() => device.writeSync(bundleIn(new Uint8Array(buffer))), /4294967296 bytes/);
});

test('a writer refuses parts of a buffer of 4 GiB, and to write into one', { skip }, () => {
  const bytes = new Uint8Array(huge as ArrayBuffer, 2 * GIB, 256);
  assert.throws(() => new BundleWriter(bytes), /4294967296 bytes/);
  bytes.set(packet(1), 100);
  assert.throws(() => new BundleWriter().append(bytes, 100, 64), /4294967296 bytes/);
});
