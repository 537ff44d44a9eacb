import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isTunError } from '#dist/errors.js';
import {
  booleanOf,
  busCall,
  type DbusMessage,
  messageLength,
  readMessage,
  stringsOf,
} from '#dist/os/dbus-message.js';
import { dbusMessage, dbusSignal, sleepSignal, type Value } from '../../reference/dbus-message.ts';

const FROM = { sender: ':1.7', path: '/a', interface: 'a.b', member: 'C' };
const VALID = sleepSignal(true, ':1.7');

const unreadable = (error: unknown): boolean =>
  isTunError(error, 'ERR_TUN_SYSCALL') && /bus is not understood/.test(error.message);

/** VALID with these bytes at `offset`. */
function changed(offset: number, ...bytes: number[]): Uint8Array {
  const copy = VALID.slice();
  copy.set(bytes, offset);
  return copy;
}

function signal(...body: Value[]): DbusMessage {
  return readMessage(dbusSignal(FROM, body))!;
}

for (const littleEndian of [true, false]) {
  test(`reads a signal, ${littleEndian ? 'least' : 'most'} significant byte first`, () => {
    const bytes = dbusSignal(
      FROM,
      [
        ['s', 'x'],
        ['s', 'üz'],
      ],
      littleEndian,
    );
    const message = readMessage(bytes)!;
    assert.equal(messageLength(bytes), bytes.length);
    assert.equal(message.type, 4);
    assert.equal(message.sender, ':1.7');
    assert.equal(message.path, '/a');
    assert.equal(message.interface, 'a.b');
    assert.equal(message.member, 'C');
    assert.equal(message.signature, 'ss');
    assert.deepEqual(stringsOf(message), ['x', 'üz']);
  });
}

test('reads an answer, and what a message does not have as empty', () => {
  const message = readMessage(dbusMessage({ type: 2, fields: [[5, 'u', 0xfffffff0]] }))!;
  assert.equal(message.replySerial, 0xfffffff0);
  assert.equal(message.member + message.sender + message.signature, '');
});

test('builds the calls that the specification shows', () => {
  const fields: [number, string, string][] = [
    [1, 'o', '/org/freedesktop/DBus'],
    [6, 's', 'org.freedesktop.DBus'],
    [2, 's', 'org.freedesktop.DBus'],
  ];
  assert.deepEqual(
    busCall(1, 'Hello', []),
    dbusMessage({ type: 1, serial: 1, fields: [...fields, [3, 's', 'Hello']] }),
  );
  assert.deepEqual(
    busCall(0x01020304, 'AddMatch', ["type='signal'"]),
    dbusMessage({
      type: 1,
      serial: 0x01020304,
      fields: [...fields, [3, 's', 'AddMatch'], [8, 'g', 's']],
      body: [['s', "type='signal'"]],
    }),
  );
});

test('tells values of another type apart from those asked for', () => {
  assert.equal(booleanOf(signal(['b', 1])), true);
  assert.equal(booleanOf(signal(['b', 0])), false);
  for (const other of [
    signal(),
    signal(['u', 1]),
    signal(['b', 1], ['b', 1]),
    signal(['s', 'b']),
  ]) {
    assert.equal(booleanOf(other), undefined);
  }
  assert.equal(stringsOf(signal(['s', 'a'], ['u', 1])), undefined);
  assert.equal(stringsOf(signal()), undefined);
});

test('refuses a body that is not what its signature says', () => {
  const body = (signature: string, ...values: Value[]): DbusMessage =>
    readMessage(dbusMessage({ type: 4, fields: [[8, 'g', signature]], body: values }))!;
  assert.throws(() => booleanOf(body('b', ['u', 2])), unreadable);
  assert.throws(() => booleanOf(body('b', ['u', 1], ['u', 1])), unreadable);
  assert.throws(() => booleanOf(body('b')), unreadable);
  assert.throws(() => stringsOf(body('s', ['s', 'a'], ['y', 0])), unreadable);
  assert.throws(() => stringsOf(body('ss', ['s', 'a'])), unreadable);
  assert.throws(() => stringsOf(body('s'.repeat(255), ['s', 'a'])), unreadable);
  assert.throws(() => stringsOf(body('s', ['u', 0xffffffff])), unreadable);
});

test('passes over header fields of a later day, or the message if their type is not known', () => {
  const later = (type: string, value: string | number): DbusMessage | undefined =>
    readMessage(
      dbusMessage({
        type: 4,
        fields: [
          [77, type, value],
          [3, 's', 'After'],
        ],
      }),
    );
  for (const [type, value] of [
    ['y', 9],
    ['u', 9],
    ['d', 0],
    ['s', 'x'],
    ['o', '/'],
    ['g', 'as'],
  ] as const) {
    assert.equal(later(type, value)?.member, 'After', type);
  }
  for (const type of ['as', '(yv)', 'v', 'uu', 'z', '', 'a'.repeat(255), '('.repeat(255)]) {
    assert.equal(later(type, 'x'), undefined, type);
  }
});

const HOSTILE: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ['nothing', new Uint8Array(0)],
  ['less than the fixed part', VALID.subarray(0, 15)],
  ['a byte order mark of neither kind', changed(0, 0x4c)],
  ['the other byte order than it is in', changed(0, 0x42)],
  ['the type 0', changed(1, 0)],
  ['another protocol version', changed(3, 2)],
  ['the serial 0', changed(8, 0, 0, 0, 0)],
  ['a body of 4 GiB', changed(4, 0xff, 0xff, 0xff, 0xff)],
  ['a body of 2 GiB', changed(4, 0xf0, 0xff, 0xff, 0x7f)],
  ['header fields of 4 GiB', changed(12, 0xff, 0xff, 0xff, 0xff)],
  ['header fields a byte too long', changed(12, VALID[12]! + 1)],
  ['header fields a byte too short', changed(12, VALID[12]! - 1)],
  ['a path of 4 GiB', changed(20, 0xff, 0xff, 0xff, 0xff)],
  ['a path longer than the fields', changed(20, 0xf0)],
  ['a signature of 255 bytes', changed(17, 0xff)],
  ['a path without its final zero', changed(24 + 23, 0x41)],
  ['a path with a zero within', changed(24 + 5, 0)],
  ['a path that is not UTF-8', changed(24 + 5, 0xff)],
  ['the header field 0', changed(16, 0)],
  [
    'a header field twice',
    dbusMessage({
      type: 4,
      fields: [
        [3, 's', 'A'],
        [3, 's', 'B'],
      ],
    }),
  ],
  ['no mark, in the byte order of its absence', dbusSignal(FROM, [], false).fill(0x4c, 0, 1)],
  ['padding that is not zero', changed(VALID.length - 5, 1)],
  ['more than its length', Uint8Array.from([...VALID, 0])],
  ['less than its length', VALID.subarray(0, -1)],
  ['a path that is a string', dbusMessage({ type: 4, fields: [[1, 's', '/']] })],
  ['a sender that is a number', dbusMessage({ type: 4, fields: [[7, 'u', 1]] })],
  ['a serial that is a string', dbusMessage({ type: 2, fields: [[5, 's', 'x']] })],
  ['a body without a signature', dbusMessage({ type: 4, fields: [], body: [['b', 1]] })],
];

for (const [what, bytes] of HOSTILE) {
  test(`refuses ${what}`, () => {
    assert.throws(() => readMessage(bytes), unreadable);
  });
}

test('refuses lengths beyond the specification, and none within', () => {
  const length = (fields: number, body: number): number => {
    const fixed = VALID.slice(0, 16);
    const view = new DataView(fixed.buffer);
    view.setUint32(4, body, true);
    view.setUint32(12, fields, true);
    return messageLength(fixed);
  };
  assert.equal(length(2 ** 26, 2 ** 26 - 16), 2 ** 27);
  assert.throws(() => length(2 ** 26, 2 ** 26 - 15), unreadable);
  assert.throws(() => length(2 ** 26 + 1, 0), unreadable);
});

test('reads or refuses whatever bytes it gets', () => {
  const use = (bytes: Uint8Array): void => {
    try {
      const message = readMessage(bytes);
      if (message === undefined) return;
      stringsOf(message);
      booleanOf(message);
    } catch (error) {
      assert.ok(unreadable(error), String(error));
    }
  };
  const change = fc.tuple(fc.nat(VALID.length - 1), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const bytes = VALID.slice();
      for (const [offset, value] of changes) bytes[offset] = value;
      use(bytes);
    }),
    { numRuns: 5000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), use), { numRuns: 2000 });
});
