/** Hostile packets against the policy filter: none throws, none is lost from the counts, none grows. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Direction, type FlowVerdict, PolicyFilter } from 'typetun/run';
import { FlowFields, FlowPart, readFlow } from '#dist/wire/flow.js';
import { bundleOf, packetsOf } from '../support/flow-packets.ts';

/** Bytes that pass for IP at a glance: the version is right, the rest is anything, small values more often. */
const hostile = fc
  .tuple(
    fc.constantFrom(4, 6),
    fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 6, 17, 44, 58, 60)), {
      minLength: 40,
      maxLength: 160,
    }),
    fc.boolean(),
  )
  .map(([version, bytes, honest]) => {
    const packet = Uint8Array.from(bytes);
    packet[0] = version === 4 ? 0x45 + (packet[0]! & 1) : 0x60;
    const length = version === 4 ? packet.length : packet.length - 40;
    if (honest) packet.set([length >> 8, length & 0xff], version === 4 ? 2 : 4);
    return packet;
  });

test('whatever the bytes, what is read lies within the packet', () => {
  const fields = new FlowFields();
  fc.assert(
    fc.property(hostile, fc.nat(40), fc.boolean(), (packet, cut, quoted) => {
      const size = Math.max(0, packet.length - cut);
      // Behind the packet lies another's memory: it must not matter what is there.
      const bytes = new Uint8Array(packet.length + 64).fill(0xff);
      bytes.set(packet.subarray(0, size));
      const part = readFlow(bytes, 0, size, fields, quoted);
      if (part === FlowPart.MALFORMED) return;
      assert.ok(fields.transport <= fields.end && fields.end <= size);
      assert.ok(fields.destination + fields.addressBytes <= size);
      assert.ok(fields.inner <= fields.end);
      const before = { ...fields };
      bytes.fill(0, size);
      assert.equal(readFlow(bytes, 0, size, fields, quoted), part);
      assert.deepEqual({ ...fields }, before);
    }),
    { numRuns: 2000 },
  );
});

test('every packet is passed, dropped or held back, and counted once', () => {
  const verdicts: FlowVerdict[] = [
    'allow',
    'drop',
    { delayMs: 50 },
    { rewrite: { destinationPort: 99 } },
    { rewrite: { destination: '10.9.0.9' } },
    { delayMs: 5, rewrite: { source: '10.9.0.1' } },
  ];
  fc.assert(
    fc.property(
      fc.array(fc.tuple(hostile, fc.boolean()), { minLength: 1, maxLength: 30 }),
      fc.array(fc.nat(verdicts.length), { minLength: 1 }),
      (packets, choices) => {
        let asked = 0;
        const filter = new PolicyFilter(
          { flow: () => verdicts[choices[asked++ % choices.length]!] as FlowVerdict },
          { mtu: 1500, maxFlows: 4, onDue: () => undefined },
        );
        for (const [packet, out] of packets) {
          const bytes = bundleOf(packet);
          const direction = out ? Direction.OUT : Direction.IN;
          const kept = packetsOf(bytes, filter.apply(bytes, bytes.length, direction));
          assert.ok(kept.every((one) => one.length === packet.length));
        }
        filter.close();
        const now = filter.statistics;
        const { passedOut, passedIn, dropped, conflicts, malformed, strayFragments } = now;
        const counted =
          passedOut +
          passedIn +
          dropped +
          conflicts +
          malformed +
          strayFragments +
          now.untranslated +
          now.delayFull +
          now.delayDropped;
        assert.equal(counted, packets.length);
      },
    ),
    { numRuns: 300 },
  );
});
