import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTunError } from '#dist/errors.js';
import { MessageBuilder, setSequence } from '#dist/os/netlink-builder.js';
import { Message, splitMessages } from '#dist/os/netlink-reader.js';
import { readRefusal } from '#dist/os/netlink-refusal.js';
import { amidst, bigEndian, hex, littleEndian } from './bytes.ts';

const unreadable = (error: unknown): boolean =>
  isTunError(error, 'ERR_TUN_SYSCALL') && /netlink answer cannot be read/.test(error.message);

function example(littleEndian: boolean): Uint8Array {
  return new MessageBuilder(0x1234, 0x0305, 5, littleEndian)
    .u8(0, 0xaa)
    .u32(1, 0x01020304)
    .attributeU32(3, 0xdeadbeef)
    .attributeText(4, 'ab')
    .nested(5, (outer) => outer.nested(6, (inner) => inner.attributeU8(7, 9)))
    .finish();
}

test('builds header, padded body, padded and nested attributes, least significant first', () => {
  assert.deepEqual(
    example(true),
    hex(`38000000 3412 0503 00000000 00000000
         aa 04030201 000000
         0800 0300 efbeadde
         0700 0400 616200 00
         1000 0580  0c00 0680  0500 0700 09 000000`),
  );
});

test('builds the same, most significant first', () => {
  assert.deepEqual(
    example(false),
    hex(`00000038 1234 0305 00000000 00000000
         aa 01020304 000000
         0008 0003 deadbeef
         0007 0004 616200 00
         0010 8005  000c 8006  0005 0007 09 000000`),
  );
});

test('sets the sequence number and nothing else', () => {
  const message = example(true);
  const before = message.slice();
  setSequence(message, 0x01020304, true);
  assert.deepEqual(message.slice(8, 12), hex('04030201'));
  message.fill(0, 8, 12);
  assert.deepEqual(message, before);
});

test('refuses to build past the body', () => {
  assert.throws(() => new MessageBuilder(1, 0, 4).u32(1, 0), RangeError);
});

test('reads what it builds, in both orders', () => {
  for (const order of [true, false]) {
    const message = new Message(amidst(example(order)), order);
    assert.equal(message.type, 0x1234);
    assert.equal(message.flags, 0x0305);
    message.checkBody(5);
    assert.equal(message.u8(0), 0xaa);
    assert.equal(message.u32(1), 0x01020304);
    const attributes = message.attributes(5);
    assert.equal(attributes.u32(3), 0xdeadbeef);
    assert.equal(attributes.text(4), 'ab');
    assert.equal(attributes.nested(5)?.nested(6)?.u8(7), 9);
    assert.equal(attributes.u32(8), undefined);
    assert.equal(attributes.nested(8), undefined);
  }
});

test('reads a text without a terminating zero up to its end', () => {
  const message = littleEndian('18000000 1000 0000 00000000 00000000 0700 0300 616263 00');
  assert.equal(message.attributes(0).text(3), 'abc');
});

test('reads 64-bit numbers at an odd place', () => {
  const message = littleEndian(
    '20000000 1000 0000 00000000 00000000  1000 0900 ffffffff 0500000001000000',
  );
  assert.equal(message.attributes(0).u64(9, 4), 2 ** 32 + 5);
});

test('splits a datagram at the padded lengths', () => {
  const one = '11000000 1000 0000 01000000 00000000 aa 000000';
  const two = '10000000 0300 0200 02000000 00000000';
  const messages = splitMessages(hex(one + two), true);
  assert.deepEqual(
    messages.map(({ type, sequence, bytes }) => [type, sequence, bytes.byteLength]),
    [
      [16, 1, 17],
      [3, 2, 16],
    ],
  );
});

test('takes a last message whose padding is cut off', () => {
  const messages = splitMessages(hex('11000000 1000 0000 01000000 00000000 aa'), true);
  assert.equal(messages.length, 1);
});

test('refuses a message that is longer than what was received, or shorter than its header', () => {
  for (const length of ['11000000', '0f000000', '00000000', 'ffffffff']) {
    assert.throws(
      () => splitMessages(amidst(hex(`${length} 1000 0000 00000000 00000000`)), true),
      unreadable,
    );
  }
  for (let bytes = 1; bytes < 16; bytes++) {
    assert.throws(() => splitMessages(amidst(new Uint8Array(bytes).fill(1)), true), unreadable);
  }
});

test('refuses an attribute that reaches past its message, though the buffer goes on', () => {
  for (const length of ['0900', 'ffff', '0300', '0000']) {
    const message = littleEndian(`18000000 1000 0000 00000000 00000000 ${length} 0300 01020304`);
    assert.throws(() => message.attributes(0), unreadable);
  }
});

test('refuses a nested attribute that reaches past the outer one', () => {
  const message = littleEndian(
    '20000000 1000 0000 00000000 00000000  0c00 1a80  0900 0a80 01020304  05060708',
  );
  const outer = new Message(message.bytes.slice(0, 28).fill(28, 0, 1), true).attributes(0);
  assert.throws(() => outer.nested(26), unreadable);
});

test('refuses a payload shorter than its type, and an address of another length', () => {
  const attributes = littleEndian(
    '1c000000 1000 0000 00000000 00000000  0700 0300 010203 00  0400 0400',
  ).attributes(0);
  assert.throws(() => attributes.u32(3), unreadable);
  assert.throws(() => attributes.u64(3, 0), unreadable);
  assert.throws(() => attributes.u8(4), unreadable);
  assert.throws(() => attributes.bytes(3, 4), unreadable);
  assert.deepEqual(attributes.bytes(3, 3), hex('010203'));
});

test('refuses a body that is not there', () => {
  const message = littleEndian('13000000 1000 0000 00000000 00000000 010203');
  message.checkBody(3);
  assert.throws(() => message.checkBody(4), unreadable);
  assert.throws(() => message.attributes(4), unreadable);
});

test('ignores up to three bytes behind the last attribute', () => {
  const message = littleEndian('1b000000 1000 0000 00000000 00000000 0800 0300 01020304 ffffff');
  assert.equal(message.attributes(0).u32(3), 0x04030201);
});

test('an acknowledgement is no refusal', () => {
  const text = '24000000 0200 0001 07000000 00000000 00000000';
  const request = '20000000 1300 0500 07000000 00000000';
  assert.equal(readRefusal(littleEndian(text + request)), undefined);
});

test('a capped refusal carries the error number and the words of the kernel', () => {
  const refusal = readRefusal(
    littleEndian(`30000000 0200 0003 07000000 00000000 eaffffff
                  20000000 1300 0500 07000000 00000000
                  0900 0100 6e6f2100 00 000000`),
  );
  assert.equal(refusal?.errno, 22);
  assert.equal(refusal?.kernelText, 'no!');
  assert.match(refusal?.message ?? '', /EINVAL \("no!"\)/);
  assert.ok(isTunError(refusal, 'ERR_TUN_SYSCALL'));
});

test('a refusal that repeats the request has its words behind it, in both orders', () => {
  const refusal = readRefusal(
    bigEndian(`00000034 0002 0200 00000007 00000000 ffffffff
               00000015 0013 0005 00000007 00000000 aabbccdd dd000000
               0008 0001 6e6f2100`),
  );
  assert.equal(refusal?.errno, 1);
  assert.equal(refusal?.kernelText, 'no!');
  assert.ok(isTunError(refusal, 'ERR_TUN_NO_PRIVILEGE'));
});

test('a refusal without words has none', () => {
  const refusal = readRefusal(
    littleEndian(`24000000 0200 0001 07000000 00000000 edffffff
                  20000000 1300 0500 07000000 00000000`),
  );
  assert.equal(refusal?.errno, 19);
  assert.equal(refusal?.kernelText, '');
});

test('the end of a dump may be a refusal too', () => {
  const text = '1c000000 0300 0202 07000000 00000000';
  const refusal = readRefusal(littleEndian(`${text} edffffff 0800 0100 6e6f2100`));
  assert.equal(refusal?.errno, 19);
  assert.equal(refusal?.kernelText, 'no!');
});

test('a refusal that is cut short, or claims a longer request than it holds, is unreadable', () => {
  const cut = littleEndian('13000000 0200 0001 07000000 00000000 eaffff');
  assert.throws(() => readRefusal(cut), unreadable);
  const headless = littleEndian('14000000 0200 0003 07000000 00000000 eaffffff');
  assert.throws(() => readRefusal(headless), unreadable);
  for (const claimed of ['24000000', 'ffffffff']) {
    const liar = littleEndian(`24000000 0200 0002 07000000 00000000 eaffffff
                               ${claimed} 1300 0500 07000000 00000000`);
    assert.throws(() => readRefusal(liar), unreadable);
  }
});
