import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PacketQueue } from '#dist/sync/packet-queue.js';
import { createPacketQueueMemory } from '#dist/sync/queue-layout.js';
import { readSizeWord, writeEntryHeader, writeEntryTail } from '#dist/wire/bundle.js';
import { entryBytesOf, NaivePacketQueue } from '../reference/packet-queue.ts';

const MAX_PACKETS = 7;
const LARGEST = 61_424;
const MAX_BYTES = 3 * 0xf000;
const HEADER = 16;
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

type Step =
  | { do: 'push' | 'pushHead'; length: number; fill: number }
  | { do: 'take'; room: number; packets: number }
  | { do: 'clear' };

const length = fc.oneof(
  fc.integer({ min: 1, max: 100 }),
  fc.integer({ min: 1, max: LARGEST }),
  fc.constant(LARGEST),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('push' as const), length, fill: fc.nat(255) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('pushHead' as const), length, fill: fc.nat(255) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('take' as const),
      room: fc.integer({ min: 0, max: 200_000 }),
      packets: fc.integer({ min: 0, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
);

/** A packet whose bytes depend on position and fill, so that a misplaced copy shows. */
function packetOf(length: number, fill: number): number[] {
  return Array.from({ length }, (_, i) => (fill + i * 7) & 0xff);
}

function entryOf(packet: number[]): Uint8Array {
  const entry = new Uint8Array(entryBytesOf(packet.length)).fill(0xa5);
  writeEntryHeader(entry, 0, packet.length);
  entry.set(packet, HEADER);
  writeEntryTail(entry, 0, packet.length);
  return entry;
}

function packetsIn(bytes: Uint8Array, count: number): number[][] {
  const packets: number[][] = [];
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const size = readSizeWord(bytes, offset, LITTLE_ENDIAN);
    packets.push([...bytes.subarray(offset + HEADER, offset + HEADER + size)]);
    offset += entryBytesOf(size);
  }
  return packets;
}

for (const policy of ['drop-oldest', 'drop-newest'] as const) {
  test(`a ${policy} queue in shared memory does what an array does`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const options = { maxPackets: MAX_PACKETS, policy };
        const queue = new PacketQueue(createPacketQueueMemory(MAX_PACKETS, MAX_BYTES), options);
        queue.growTo(MAX_BYTES);
        const naive = new NaivePacketQueue(MAX_PACKETS, MAX_BYTES, policy);
        const result = { packets: 0, octets: 0 };
        for (const action of steps) {
          if (action.do === 'clear') {
            assert.equal(queue.live, naive.packets.length);
            queue.clear();
            naive.packets = [];
          } else if (action.do === 'take') {
            const room = Math.floor(action.room / HEADER) * HEADER;
            const target = new Uint8Array(room).fill(0xa5);
            const written = queue.take(target, 0, action.packets, result);
            const expected = naive.take(room, action.packets);
            assert.deepEqual(packetsIn(target, result.packets), expected);
            assert.equal(
              written,
              expected.reduce((sum, packet) => sum + entryBytesOf(packet.length), 0),
            );
          } else {
            const packet = packetOf(action.length, action.fill);
            if (action.do === 'push') {
              assert.equal(queue.push(entryOf(packet), 0, packet.length), naive.push(packet));
            } else if (naive.byteCount <= MAX_BYTES) {
              assert.equal(
                queue.pushHead(entryOf(packet), 0, packet.length),
                naive.pushHead(packet),
              );
            }
          }
          assert.equal(queue.count, naive.packets.length);
          assert.equal(queue.byteCount, naive.byteCount);
        }
      }),
      { numRuns: 150, verbose: false },
    );
  });
}
