/** The contract of `take`, `remainder`, `discardPending` and `hostDrops`. */

import assert from 'node:assert/strict';
import { entryBytes } from '#dist/limits.js';
import { TakeResult } from '#dist/link/link.js';
import { pattern } from '../support/ip-packets.ts';
import { packetsOf } from '../support/link-use.ts';
import {
  BUFFER_BYTES,
  type Contract,
  dirtyResult,
  HEADERS,
  PREFILL,
  packetsOfOrNone,
  payloadOf,
  takeAll,
  takeOnce,
  untilPacket,
} from './subject.ts';

export function takeContract(contract: Contract): void {
  contract('takes what the host sent, in order, as a bundle with zero padding', async (subject) => {
    const sizes = [0, 1, 3, 4, 5, 20, 100, 1000, subject.config.mtu - HEADERS];
    for (const [i, size] of sizes.entries()) await subject.hostSendUdp(pattern(size, i));
    const { packets, result } = await takeAll(subject, sizes.length);
    assert.deepEqual(
      packets.map((packet) => payloadOf(packet, subject)),
      sizes.map((size, i) => pattern(size, i)),
    );
    assert.equal(result.packets, sizes.length);
    assert.equal(
      result.octets,
      packets.reduce((sum, packet) => sum + packet.length, 0),
    );
    assert.equal(result.oversize + result.unreadable + result.remainderPackets, 0);
  });

  contract('takes nothing when there is nothing, and resets the result', ({ link }) => {
    const result = dirtyResult();
    assert.equal(link.take(new Uint8Array(BUFFER_BYTES), 0, 256, result), 0);
    assert.deepEqual({ ...result }, { ...new TakeResult(), emptied: true });
  });

  contract('starts at the offset and leaves what is before it alone', async (subject) => {
    for (const offset of [16, 160, 4096]) {
      await subject.hostSendUdp(pattern(50, offset));
      const { packets, buffer } = await takeOnce(subject, { offset });
      assert.deepEqual(payloadOf(packets[0]!, subject), pattern(50, offset));
      assert.ok(buffer.subarray(0, offset).every((byte) => byte === PREFILL));
    }
  });

  contract(
    'takes into a view that does not begin its buffer, and into shared memory',
    async (subject) => {
      for (const memory of [new ArrayBuffer(BUFFER_BYTES), new SharedArrayBuffer(BUFFER_BYTES)]) {
        const view = new Uint8Array(memory, 4112, BUFFER_BYTES - 8224);
        await subject.hostSendUdp(pattern(77));
        const { packets } = await takeOnce(subject, { buffer: view });
        assert.deepEqual(payloadOf(packets[0]!, subject), pattern(77));
        const outside = new Uint8Array(memory);
        assert.ok(outside.subarray(0, 4112).every((byte) => byte === 0));
        assert.ok(outside.subarray(BUFFER_BYTES - 4112).every((byte) => byte === 0));
      }
    },
  );

  contract('takes at most maxPackets and leaves the rest', async (subject) => {
    for (let i = 0; i < 7; i++) await subject.hostSendUdp(pattern(10, i));
    const counts: number[] = [];
    const emptied: boolean[] = [];
    const payloads: Uint8Array[] = [];
    while (payloads.length < 7) {
      const { packets, result } = await takeOnce(subject, { maxPackets: 3 });
      counts.push(packets.length);
      emptied.push(result.emptied);
      payloads.push(...packets.map((packet) => payloadOf(packet, subject)));
    }
    assert.deepEqual(counts, [3, 3, 1]);
    assert.deepEqual(emptied, [false, false, true], 'whether the host may have more');
    assert.deepEqual(
      payloads,
      [0, 1, 2, 3, 4, 5, 6].map((i) => pattern(10, i)),
    );
  });

  contract('fills one bundle after the other without a gap or a loss', async (subject) => {
    const sent = 600;
    for (let i = 0; i < sent; i++) await subject.hostSendUdp(Uint8Array.of(i >> 8, i & 0xff));
    const { packets } = await takeAll(subject, sent);
    assert.deepEqual(
      packets.map((packet) => {
        const [high, low] = payloadOf(packet, subject);
        return (high! << 8) + low!;
      }),
      Array.from({ length: sent }, (_, i) => i),
    );
    assert.equal(subject.link.hostDrops(), 0);
  });

  contract(
    'loses no packet that does not fit: it stays, or it is the remainder',
    async (subject) => {
      const { link, config } = subject;
      const size = config.mtu - HEADERS;
      for (let i = 0; i < 3; i++) await subject.hostSendUdp(pattern(size, i));
      await untilPacket(subject);
      // Room for the first packet and for all but 16 bytes of the second.
      const buffer = new Uint8Array(2 * entryBytes(config.mtu) - 16);
      const result = new TakeResult();
      const seen: Uint8Array[] = [];
      const deadline = performance.now() + 2000;
      while (seen.length < 3 && performance.now() < deadline) {
        const length = link.take(buffer, 0, 256, result);
        seen.push(...packetsOfOrNone(buffer.subarray(0, length), link));
        const { remainderPackets, remainderOctets } = result;
        if (remainderPackets === 0) continue;
        assert.equal(remainderPackets, 1);
        const entry = entryBytes(remainderOctets);
        seen.push(...packetsOf(link.remainder.subarray(0, entry), link));
      }
      assert.deepEqual(
        seen.map((packet) => payloadOf(packet, subject)),
        [0, 1, 2].map((i) => pattern(size, i)),
      );
    },
  );

  contract('returns 0 when nothing fits, and loses nothing', async (subject) => {
    const { link } = subject;
    await subject.hostSendUdp(pattern(500));
    await untilPacket(subject);
    const buffer = new Uint8Array(256);
    const result = dirtyResult();
    assert.equal(link.take(buffer, 0, 256, result), 0);
    assert.equal(link.take(buffer, 256, 256, new TakeResult()), 0, 'an offset at the very end');
    assert.equal(result.packets, 0);
    const packet =
      result.remainderPackets > 0
        ? packetsOf(link.remainder.subarray(0, entryBytes(result.remainderOctets)), link)[0]!
        : (await takeAll(subject, 1)).packets[0]!;
    assert.deepEqual(payloadOf(packet, subject), pattern(500));
  });

  contract('throws when the buffer of a take is detached, and goes on', async (subject) => {
    const buffer = new Uint8Array(BUFFER_BYTES);
    subject.link.take(buffer, 0, 256, new TakeResult());
    structuredClone(buffer, { transfer: [buffer.buffer] });
    await subject.hostSendUdp(pattern(9));
    await untilPacket(subject);
    for (const offset of [0, 16]) {
      assert.throws(() => subject.link.take(buffer, offset, 256, new TakeResult()), {
        code: 'ERR_TUN_BUFFER_DETACHED',
      });
    }
    const { packets } = await takeAll(subject, 1);
    assert.deepEqual(payloadOf(packets[0]!, subject), pattern(9));
  });

  contract('discards what the host has sent, and says how much', async (subject) => {
    const result = dirtyResult();
    subject.link.discardPending(result);
    assert.deepEqual({ ...result }, { ...new TakeResult() });
    for (let i = 0; i < 300; i++) await subject.hostSendUdp(pattern(100, i));
    await untilPacket(subject);
    subject.link.discardPending(result);
    assert.deepEqual(
      { ...result },
      {
        packets: 300,
        octets: 300 * (HEADERS + 100),
        oversize: 0,
        unreadable: 0,
        remainderPackets: 0,
        remainderOctets: 0,
        emptied: false,
      },
    );
    assert.equal(subject.link.take(new Uint8Array(BUFFER_BYTES), 0, 256, result), 0);
    await subject.hostSendUdp(pattern(5));
    assert.equal((await takeAll(subject, 1)).packets.length, 1);
  });

  contract(
    'counts what the host drops in front of it',
    async (subject) => {
      assert.equal(subject.link.hostDrops(), 0);
      const holds = subject.hostQueueHolds?.(HEADERS + 10) ?? subject.config.hostQueueLength;
      for (let i = 0; i < holds + 34; i++) await subject.hostSendUdp(pattern(10, i));
      const { packets } = await takeAll(subject, holds);
      assert.equal(packets.length, holds);
      const last = packets[holds - 1]!;
      assert.deepEqual(payloadOf(last, subject), pattern(10, holds - 1), 'the first ones stayed');
      assert.equal(subject.link.hostDrops(), 34);
      for (let i = 0; i < holds + 4; i++) await subject.hostSendUdp(pattern(10, i));
      assert.equal(subject.link.hostDrops(), 38);
    },
    { hostQueueLength: 16 },
  );
}
