import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacketQueue } from '#dist/sync/packet-queue.js';
import { createPacketQueueMemory } from '#dist/sync/queue-layout.js';
import { writeEntryHeader, writeEntryTail } from '#dist/wire/bundle.js';

const ENTRY = 0xf000;
const SMALL = 100;
const SMALL_ENTRY = 128;

function queueOf(
  maxPackets: number,
  maxBytes: number,
  policy: 'drop-oldest' | 'drop-newest' = 'drop-oldest',
): PacketQueue {
  const memory = createPacketQueueMemory(maxPackets, maxBytes);
  const queue = new PacketQueue(memory, { maxPackets, policy });
  queue.growTo(maxBytes);
  return queue;
}

function entry(length: number, fill: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((16 + length) / 16) * 16).fill(0xa5);
  writeEntryHeader(bytes, 0, length);
  bytes.fill(fill, 16, 16 + length);
  writeEntryTail(bytes, 0, length);
  return bytes;
}

function fills(queue: PacketQueue): number[] {
  const target = new Uint8Array(1 << 20);
  const result = { packets: 0, octets: 0 };
  const length = queue.take(target, 0, 256, result);
  const found: number[] = [];
  for (let at = 0; at < length; at += SMALL_ENTRY) found.push(target[at + 16]!);
  return found;
}

test('a full queue drops the oldest packet and says so', () => {
  const queue = queueOf(3, ENTRY);
  for (const fill of [1, 2, 3]) assert.equal(queue.push(entry(SMALL, fill), 0, SMALL), 0);
  assert.equal(queue.push(entry(SMALL, 4), 0, SMALL), 1);
  assert.deepEqual(fills(queue), [2, 3, 4]);
});

test('a full drop-newest queue refuses the new packet', () => {
  const queue = queueOf(3, ENTRY, 'drop-newest');
  for (const fill of [1, 2, 3]) queue.push(entry(SMALL, fill), 0, SMALL);
  assert.equal(queue.push(entry(SMALL, 4), 0, SMALL), 1);
  assert.deepEqual(fills(queue), [1, 2, 3]);
});

test('a packet put back at the head is the next one taken', () => {
  const queue = queueOf(4, ENTRY);
  queue.push(entry(SMALL, 2), 0, SMALL);
  assert.equal(queue.pushHead(entry(SMALL, 1), 0, SMALL), true);
  assert.deepEqual(fills(queue), [1, 2]);
});

test('a queue with all places taken refuses a packet put back at the head', () => {
  const queue = queueOf(1, ENTRY);
  queue.push(entry(SMALL, 2), 0, SMALL);
  assert.equal(queue.pushHead(entry(SMALL, 1), 0, SMALL), false);
  assert.deepEqual(fills(queue), [2]);
});

test('a packet that does not fit the rest of the buffer stays at the head', () => {
  const queue = queueOf(4, ENTRY);
  queue.push(entry(SMALL, 1), 0, SMALL);
  queue.push(entry(SMALL, 2), 0, SMALL);
  const target = new Uint8Array(SMALL_ENTRY + 16);
  const result = { packets: 0, octets: 0 };
  assert.equal(queue.take(target, 0, 256, result), SMALL_ENTRY);
  assert.deepEqual(result, { packets: 1, octets: SMALL });
  assert.deepEqual(fills(queue), [2]);
});

test('taking into an offset leaves what lies before it alone', () => {
  const queue = queueOf(4, ENTRY);
  queue.push(entry(SMALL, 9), 0, SMALL);
  const target = new Uint8Array(64 + SMALL_ENTRY).fill(0x5a);
  queue.take(target, 64, 256, { packets: 0, octets: 0 });
  assert.ok(target.subarray(0, 64).every((byte) => byte === 0x5a));
  assert.equal(target[64 + 16], 9);
});

test('the byte bound grows with what it is told and never shrinks', () => {
  const memory = createPacketQueueMemory(8, 4 * ENTRY);
  const queue = new PacketQueue(memory, { maxPackets: 8, policy: 'drop-newest' });
  queue.growTo(ENTRY);
  const large = entry(ENTRY - 16, 1);
  assert.equal(queue.push(large, 0, ENTRY - 16), 0);
  assert.equal(queue.push(large, 0, ENTRY - 16), 1);
  queue.growTo(2 * ENTRY);
  assert.equal(queue.push(large, 0, ENTRY - 16), 0);
  queue.growTo(ENTRY);
  assert.equal(queue.maxBytes, 2 * ENTRY);
});

test('memory that is too small for the places is refused with both figures', () => {
  const memory = new SharedArrayBuffer(1000);
  assert.throws(
    () => new PacketQueue(memory, { maxPackets: 8, policy: 'drop-oldest' }),
    /8 packets does not fit the 1000 bytes/,
  );
});

test('packets survive at every alignment of the source buffer', () => {
  for (let shift = 0; shift < 8; shift++) {
    const queue = queueOf(4, ENTRY);
    const source = new Uint8Array(SMALL_ENTRY + shift).subarray(shift);
    source.set(entry(SMALL, 7));
    queue.push(source, 0, SMALL);
    const target = new Uint8Array(SMALL_ENTRY);
    queue.take(target, 0, 1, { packets: 0, octets: 0 });
    assert.deepEqual(target, entry(SMALL, 7));
  }
});
