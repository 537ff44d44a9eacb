import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTunError } from '#dist/errors.js';
import { DbusFramer, MAX_KEPT_BYTES } from '#dist/os/dbus-framer.js';
import { dbusMessage, sleepSignal } from '../../reference/dbus-message.ts';

const FIRST = sleepSignal(true, ':1.1');
const SECOND = dbusMessage({ type: 4, fields: [] });
const THIRD = sleepSignal(false, ':1.22');
const STREAM = Uint8Array.from([...FIRST, ...SECOND, ...THIRD]);

function collect(chunks: Iterable<Uint8Array>): Uint8Array[] {
  const framer = new DbusFramer();
  const messages: Uint8Array[] = [];
  for (const chunk of chunks) framer.push(chunk, (message) => messages.push(message.slice()));
  return messages;
}

test('cuts a stream into its messages wherever it is torn', () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < STREAM.length; at += size) chunks.push(STREAM.subarray(at, at + size));
    assert.deepEqual(collect(chunks), [FIRST, SECOND, THIRD]);
  }
});

/** The fixed part of a message with `bytes` bytes of body. */
function announcing(bytes: number): Uint8Array {
  const fixed = SECOND.slice(0, 16);
  new DataView(fixed.buffer).setUint32(4, bytes, true);
  return fixed;
}

test('passes over a message that it does not keep, and goes on behind it', () => {
  for (const bytes of [MAX_KEPT_BYTES - 15, 100_000, 2 ** 27 - 16]) {
    const rest = bytes % 65_536;
    const chunks = function* (): Generator<Uint8Array> {
      yield announcing(bytes);
      const chunk = new Uint8Array(65_536);
      for (let i = 0; i < Math.floor(bytes / 65_536); i++) yield chunk;
      yield Uint8Array.from([...new Uint8Array(rest), ...FIRST]);
    };
    assert.deepEqual(collect(chunks()), [FIRST]);
  }
});

test('keeps a message of exactly the longest length', () => {
  const longest = new Uint8Array(MAX_KEPT_BYTES);
  longest.set(announcing(MAX_KEPT_BYTES - 16));
  assert.deepEqual(collect([longest, FIRST]), [longest, FIRST]);
});

test('refuses a stream of no messages at its first sixteen bytes', () => {
  const refused = (bytes: Uint8Array): void =>
    assert.throws(
      () => collect([bytes]),
      (error) => isTunError(error, 'ERR_TUN_SYSCALL'),
    );
  refused(new Uint8Array(16));
  refused(announcing(2 ** 27 - 15));
  refused(announcing(2 ** 32 - 1));
  refused(Uint8Array.from([...FIRST, ...Buffer.from('HTTP/1.1 400 Bad Request')]));
});
