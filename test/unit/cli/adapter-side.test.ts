/** A far side that is an adapter: what it refuses is counted. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Adapter } from 'typetun';
import { MemoryHost } from 'typetun/testing';
import { adapterSide } from '#dist/cli/run/adapter-side.js';
import { reportLines } from '#dist/cli/run/report.js';
import { bundleOf } from '../../support/flow-packets.ts';
import { pattern, udpPacket } from '../../support/ip-packets.ts';

test('packets that the far interface refuses are counted, and none that it takes', async () => {
  const host = new MemoryHost();
  const adapter = await Adapter.create({ link: host.provider(), addresses: ['10.7.0.2/24'] });
  const far = adapterSide(adapter, 'an interface');
  const packet = udpPacket('10.7.0.1', 4000, '10.7.0.2', 53, pattern(8));
  const bytes = bundleOf(packet, packet, packet);
  assert.equal(far.deliver(bytes, bytes.length), 0);
  await adapter.pause();
  assert.equal(far.deliver(bytes, bytes.length), 3);
  await far.close();
});

test('what was refused is in the report', async () => {
  const host = new MemoryHost();
  await using adapter = await Adapter.create({ link: host.provider() });
  const shown = { status: 0, signal: null, rung: 'kernel', reason: 'so', to: 'there' };
  const report = { ...shown, adapter: adapter.statistics };
  assert.doesNotMatch(reportLines({ ...report, refused: 0 }).join('\n'), /refused/);
  assert.match(
    reportLines({ ...report, refused: 5 }).join('\n'),
    / 5 lost\n +5 of them refused by the far side/,
  );
});
