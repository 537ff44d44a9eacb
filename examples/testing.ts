/**
 * A test of your own over the in-process link: a program that counts pings must not be confused by a
 * network that loses a fifth of them. No privileges, and the same packets are lost in every run.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Adapter, type Device, swapAddresses } from 'typetun';
import { MemoryHost } from 'typetun/testing';

const PINGS = 50;
const LOSS = 0.2;

/** The program under test: sends every packet back and counts them. */
async function reflectAndCount(device: Device): Promise<number> {
  let packets = 0;
  for await (const bundle of device) {
    for (const packet of bundle) swapAddresses(packet, 0);
    packets += await device.write(bundle);
  }
  return packets;
}

/** Pings through the program, over a network with this seed; returns who saw how many. */
async function run(seed: number): Promise<{ counted: number; answered: number }> {
  const host = new MemoryHost({ seed, faults: { send: { loss: LOSS } } });
  await using adapter = await Adapter.create({ addresses: ['10.7.0.1/24'], link: host.provider() });
  const counting = reflectAndCount(adapter.openDevice());
  let answered = 0;
  for (let i = 0; i < PINGS; i++) {
    const reply = await host.ping('10.7.0.2', { payloadBytes: i, timeoutMs: 50 });
    if (reply.received && reply.intact) answered++;
  }
  await adapter.close();
  return { counted: await counting, answered };
}

test('pings are lost, never damaged, and the program counts what passed', async () => {
  const { counted, answered } = await run(7);
  assert.ok(answered > 0 && answered < PINGS, `${answered} of ${PINGS} answered`);
  assert.ok(counted >= 2 * answered, 'each answered ping passed as a request and as a reply');
});

test('the same seed loses the same packets', async () => {
  assert.deepEqual(await run(7), await run(7));
  assert.notDeepEqual(await run(7), await run(8));
});
