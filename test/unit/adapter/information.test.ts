import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Adapter, isTunError, Oid } from 'typetun';
import { memoryAdapter } from '../../support/memory-adapter.ts';
import { packet } from '../../support/packets.ts';

function word(adapter: Adapter, oid: number): number {
  const buffer = new Uint8Array(4);
  assert.equal(adapter.queryInformation(oid, buffer), 4);
  return new Uint32Array(buffer.buffer)[0]!;
}

test('fixed properties are those of the original', async () => {
  await using subject = await memoryAdapter();
  const { adapter } = subject;
  assert.equal(word(adapter, Oid.GEN_MEDIA_IN_USE), 19);
  assert.equal(word(adapter, Oid.GEN_MAXIMUM_FRAME_SIZE), 0xf000 - 16);
  assert.equal(word(adapter, Oid.GEN_LINK_SPEED), 1_000_000_000);
  assert.equal(word(adapter, Oid.GEN_TRANSMIT_BUFFER_SPACE), (0xf000 - 16) * 1000);
  assert.equal(word(adapter, Oid.GEN_RECEIVE_BUFFER_SPACE), (0xf000 - 16) * 256);
  assert.equal(word(adapter, Oid.GEN_VENDOR_ID), 0xffffff00);
  const { properties } = adapter;
  assert.equal(properties.linkSpeed.transmit, 100e9);
  assert.equal(properties.vendorId, 0xffffff00);
  assert.equal(properties.link, 'memory');
  assert.equal(properties.queueBytes, 1000 * 1520);
});

test('media status and counters follow the adapter', async () => {
  await using subject = await memoryAdapter();
  assert.equal(word(subject.adapter, Oid.GEN_MEDIA_CONNECT_STATUS), 1);
  const device = subject.adapter.openDevice();
  assert.equal(word(subject.adapter, Oid.GEN_MEDIA_CONNECT_STATUS), 0);
  subject.host.send(packet(1));
  await device.read();
  const count = new Uint8Array(8);
  assert.equal(subject.adapter.queryInformation(Oid.GEN_XMIT_OK, count), 8);
  assert.equal(new BigUint64Array(count.buffer)[0], 1n);
});

test('packet filter and lookahead are taken with exactly four bytes and read back', async () => {
  await using subject = await memoryAdapter();
  const filter = new Uint8Array(Uint32Array.of(0x80000001).buffer);
  await subject.adapter.setInformation(Oid.GEN_CURRENT_PACKET_FILTER, filter);
  await subject.adapter.setInformation(
    Oid.GEN_CURRENT_LOOKAHEAD,
    new Uint8Array(Uint32Array.of(128).buffer),
  );
  assert.equal(word(subject.adapter, Oid.GEN_CURRENT_PACKET_FILTER), 0x80000001);
  assert.equal(subject.adapter.properties.packetFilter, 0x80000001);
  assert.equal(subject.adapter.properties.lookahead, 128);
});

test('power is set by its NDIS number', async () => {
  await using subject = await memoryAdapter();
  await subject.adapter.setInformation(Oid.PNP_SET_POWER, new Uint8Array(Uint32Array.of(4).buffer));
  assert.equal(subject.adapter.power, 'D3');
  await subject.adapter.setInformation(Oid.PNP_SET_POWER, new Uint8Array(Uint32Array.of(1).buffer));
  assert.equal(subject.adapter.power, 'D0');
  await assert.rejects(
    subject.adapter.setInformation(Oid.PNP_SET_POWER, new Uint8Array(Uint32Array.of(9).buffer)),
    (error: unknown) => isTunError(error, 'ERR_TUN_OID_INVALID_DATA'),
  );
});

test('link parameters are accepted, and a short buffer is told how long it must be', async () => {
  await using subject = await memoryAdapter();
  await subject.adapter.setInformation(Oid.GEN_LINK_PARAMETERS, new Uint8Array(20));
  assert.throws(
    () => subject.adapter.queryInformation(Oid.GEN_SUPPORTED_LIST, new Uint8Array(3)),
    (error: unknown) =>
      isTunError(error, 'ERR_TUN_OID_TOO_SHORT') &&
      error.bytesNeeded === Object.keys(Oid).length * 4,
  );
});
