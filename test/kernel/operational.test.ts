/** When an interface carries packets: what is sent from then on is not lost. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Adapter } from 'typetun';
import { awaitOperation } from '#dist/os/operational.js';
import { rootSkip } from './support/netns.ts';

const options = { skip: rootSkip() };

test('an interface without a carrier is not waited for', options, async () => {
  await using adapter = await Adapter.create({
    addresses: ['10.213.7.1/24'],
    ipv6LinkLocal: false,
  });
  const start = performance.now();
  assert.equal(awaitOperation(adapter.name, 10_000), false);
  assert.ok(performance.now() - start < 5000);
});

test(
  'one whose carrier was switched on is in operation when the wait is over',
  options,
  async () => {
    await using adapter = await Adapter.create({
      addresses: ['10.213.7.1/24'],
      ipv6LinkLocal: false,
    });
    adapter.openDevice();
    assert.equal(awaitOperation(adapter.name, 10_000), true);
  },
);

test('an interface that is not there is refused', options, () => {
  assert.throws(() => awaitOperation('nosuchiface', 10), { code: 'ERR_TUN_SYSCALL' });
});
