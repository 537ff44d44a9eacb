/** The contract of `give`. */

import assert from 'node:assert/strict';
import { GiveResult } from '#dist/link/link.js';
import { createBundleIndex, indexBundle } from '#dist/wire/bundle.js';
import { pattern } from '../support/ip-packets.ts';
import { bundleOf, givePackets, until } from '../support/link-use.ts';
import { type Contract, fromRemote, HEADERS, type LinkSubject, PREFILL } from './subject.ts';

export function giveContract(contract: Contract): void {
  contract('gives the packets of a bundle to the host, in order', async (subject) => {
    const payloads = [0, 1, 3, 16, 100, 1000].map((size, i) => pattern(size, i));
    const { delivered, result, lengths } = givePackets(
      subject.link,
      payloads.map((payload) => fromRemote(subject, payload)),
    );
    assert.equal(delivered, payloads.length);
    assert.equal(result.packets, payloads.length);
    assert.equal(
      result.octets,
      payloads.reduce((sum, payload) => sum + HEADERS + payload.length, 0),
    );
    assert.equal(result.refused, 0);
    assert.deepEqual(
      lengths,
      payloads.map((payload) => HEADERS + payload.length),
    );
    assert.deepEqual(await subject.hostReceivedUdp(payloads.length), payloads);
  });

  contract('gives a full bundle of 256 packets', async (subject) => {
    const packets = Array.from({ length: 256 }, (_, i) => fromRemote(subject, Uint8Array.of(i)));
    assert.equal(givePackets(subject.link, packets).delivered, 256);
    const received = await subject.hostReceivedUdp(256);
    assert.deepEqual(
      received.map((payload) => payload[0]),
      [...Array(256).keys()],
    );
  });

  contract(
    'resets the result of a give, and does not keep or change the bundle',
    async (subject) => {
      const bundle = bundleOf([fromRemote(subject, pattern(40))]);
      const copy = bundle.slice();
      const index = createBundleIndex();
      indexBundle(bundle, bundle.length, index);
      const result = new GiveResult();
      Object.assign(result, { packets: 99, octets: 99, refused: 99 });
      assert.equal(subject.link.give(bundle, index, result), 1);
      subject.link.settle();
      assert.deepEqual({ ...result }, { packets: 1, octets: HEADERS + 40, refused: 0 });
      assert.deepEqual(bundle, copy);
      bundle.fill(PREFILL);
      assert.deepEqual(await subject.hostReceivedUdp(1), [pattern(40)]);
    },
  );

  contract('gives nothing for an empty index', ({ link }) => {
    const result = new GiveResult();
    assert.equal(link.give(new Uint8Array(16), createBundleIndex(), result), 0);
    assert.deepEqual({ ...result }, { ...new GiveResult() });
  });

  // A few, and more than a link hands over at once.
  for (const count of [3, 150]) {
    const numbers = Array.from({ length: count }, (_, i) => i);
    const size = (n: number): number => 30 + (n % 50);

    contract(
      `goes on behind a packet that the host refuses, and says which it was: ${count}`,
      async (subject) => {
        const bundle = bundleOf(numbers.map((n) => fromRemote(subject, pattern(size(n), n))));
        const index = createBundleIndex();
        indexBundle(bundle, bundle.length, index);
        const lengths = [...index.lengths.subarray(0, count)];
        const wrong = [1, count - 2];
        // As a thread with whom the bundle is shared might, behind the check: no version 5 for a host.
        for (const n of wrong) bundle[index.offsets[n]!] = 0x55;
        const right = numbers.filter((n) => !wrong.includes(n));
        const result = new GiveResult();
        assert.equal(subject.link.give(bundle, index, result), right.length);
        subject.link.settle();
        const octets = right.reduce((sum, n) => sum + HEADERS + size(n), 0);
        const refused = count - right.length;
        assert.deepEqual({ ...result }, { packets: right.length, octets, refused });
        assert.deepEqual(
          [...index.lengths.subarray(0, count)],
          lengths.map((length, n) => (wrong.includes(n) ? 0 : length)),
        );
        const received = await subject.hostReceivedUdp(right.length);
        assert.deepEqual(
          received,
          right.map((n) => pattern(size(n), n)),
        );
      },
    );

    contract(
      `refuses every packet while the device is down, and none when it is up again: ${count}`,
      async (subject) => {
        const { link } = subject;
        await bring(subject, false);
        const packets = numbers.map((n) => fromRemote(subject, pattern(size(n), n)));
        const down = givePackets(link, packets);
        assert.deepEqual([down.delivered, down.result.refused], [0, count]);
        assert.deepEqual(
          down.lengths,
          numbers.map(() => 0),
        );
        await bring(subject, true);
        assert.equal(givePackets(link, packets).delivered, count);
      },
    );
  }

  contract(
    'throws when the buffer of a give is detached, and delivers nothing',
    async (subject) => {
      const bundle = bundleOf(
        Array.from({ length: 9 }, (_, n) => fromRemote(subject, pattern(5, n))),
      );
      const index = createBundleIndex();
      indexBundle(bundle, bundle.length, index);
      structuredClone(bundle, { transfer: [bundle.buffer as ArrayBuffer] });
      assert.throws(() => subject.link.give(bundle, index, new GiveResult()), {
        code: 'ERR_TUN_BUFFER_DETACHED',
      });
      assert.deepEqual(await subject.hostReceivedUdp(0), []);
      assert.equal(givePackets(subject.link, [fromRemote(subject, pattern(6))]).delivered, 1);
    },
  );
}

/** Brings the device up or down, by the link where it has the right to. */
async function bring(
  { link, outside, mayConfigure = true }: LinkSubject,
  up: boolean,
): Promise<void> {
  if (mayConfigure) assert.equal(link.configure({ up }).up, up);
  else await outside!.setUp(up);
  if (link.capabilities.events) assert.ok(await until(() => link.info.up === up));
}
