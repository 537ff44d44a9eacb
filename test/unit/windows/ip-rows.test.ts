/** The rows for iphlpapi, byte by byte. Their offsets are compared with a C compiler's in test/windows. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AddressRow,
  addressRow,
  changeInterfaceRow,
  DeviceRow,
  deviceRow,
  DnsSettings,
  dnsSettings,
  Family,
  InterfaceRow,
  interfaceRow,
  luidIndex,
  mtuOf,
  outDiscards,
  RouteRow,
  readAddressRow,
  routeRow,
  SockaddrInet,
} from '#dist/link/windows/ip-rows.js';

/** Of interface type 53, index 0x008005, and with bits that no number holds. */
const LUID = 0x0035_008005_000001n;
const LUID_BYTES = '01000005800035 00'.replace(' ', '');

function hex(row: Uint8Array, from = 0, to = row.length): string {
  return Buffer.from(row.subarray(from, to)).toString('hex');
}

test('rows are as long as Windows says', () => {
  assert.equal(SockaddrInet.BYTES, 28);
  assert.equal(addressRow(LUID, '10.7.0.1/24').length, 80);
  assert.equal(interfaceRow(LUID, Family.IPV4).length, 168);
  assert.equal(routeRow(LUID, { destination: '10.8.0.0/16' }).length, 104);
  assert.equal(deviceRow(LUID).length, 1352);
  assert.equal(dnsSettings(0, Family.IPV4).length, 64);
});

test('the index of a LUID is its bits 24 to 47', () => {
  assert.equal(luidIndex(LUID), 0x8005);
  assert.equal(luidIndex(0xffff_ffffff_ffffffn), 0xffffff);
  assert.equal(luidIndex(0xffff_000000_ffffffn), 0);
});

test('an IPv4 address row has every byte in its place', () => {
  const row = addressRow(LUID, '10.7.0.1/24');
  assert.equal(hex(row, 0, 28), `02000000${'0a070001'}${'00'.repeat(20)}`);
  assert.equal(hex(row, AddressRow.LUID, AddressRow.INDEX), LUID_BYTES);
  assert.equal(hex(row, AddressRow.INDEX, AddressRow.VALID_LIFETIME), '000000000100000001000000');
  assert.equal(hex(row, AddressRow.VALID_LIFETIME, AddressRow.PREFIX_LENGTH), 'ff'.repeat(8));
  assert.equal(hex(row, AddressRow.PREFIX_LENGTH), `18000000${'04000000'}${'00'.repeat(12)}`);
});

test('an IPv6 address row has every byte in its place', () => {
  const row = addressRow(LUID, 'fd07::1/64');
  const address = `fd07${'00'.repeat(13)}01`;
  assert.equal(hex(row, 0, 28), `17000000${'00000000'}${address}00000000`);
  assert.equal(row[AddressRow.PREFIX_LENGTH], 64);
});

test('what is read of an address row is what was written, and no other family is an address', () => {
  for (const text of ['10.7.0.1/24', '255.255.255.254/31', 'fd07::1/64', 'fe80::ffff:1/10']) {
    assert.deepEqual(readAddressRow(addressRow(LUID, text)), { luid: LUID, address: text });
  }
  const row = addressRow(LUID, '10.7.0.1/24');
  row[AddressRow.ADDRESS] = 10;
  assert.equal(readAddressRow(row), undefined);
});

test('an interface row asks for one family, and is changed where it has to be', () => {
  for (const [family, site, behavior] of [
    [Family.IPV4, 0, 9],
    [Family.IPV6, 64, 0],
  ] as const) {
    const row = interfaceRow(LUID, family);
    assert.equal(
      hex(row, 0, 16),
      `${family.toString(16).padStart(2, '0')}${'00'.repeat(7)}${LUID_BYTES}`,
    );
    const view = new DataView(row.buffer);
    row[InterfaceRow.SITE_PREFIX_LENGTH] = 64;
    row[InterfaceRow.LINK_LOCAL_BEHAVIOR] = 9;
    row[InterfaceRow.DAD_TRANSMITS] = 3;
    row[InterfaceRow.ROUTER_DISCOVERY] = 1;
    row[InterfaceRow.METRIC] = 77;
    changeInterfaceRow(row, 0x12345678, false);
    assert.equal(mtuOf(row), 0x12345678);
    assert.equal(view.getUint32(InterfaceRow.SITE_PREFIX_LENGTH, true), site, 'IPv4 refuses any');
    assert.equal(view.getUint32(InterfaceRow.LINK_LOCAL_BEHAVIOR, true), behavior);
    assert.equal(view.getUint32(InterfaceRow.DAD_TRANSMITS, true), 0);
    assert.equal(view.getUint32(InterfaceRow.ROUTER_DISCOVERY, true), 0);
    assert.equal(view.getUint32(InterfaceRow.METRIC, true), 77, 'the rest stays');
  }
  const row = interfaceRow(LUID, Family.IPV6);
  changeInterfaceRow(row, 1400, true);
  assert.equal(row[InterfaceRow.LINK_LOCAL_BEHAVIOR], 2);
});

test('a route row has every byte in its place', () => {
  const row = routeRow(LUID, { destination: '10.8.0.0/16', metric: 300 });
  assert.equal(hex(row, 0, RouteRow.DESTINATION), `${LUID_BYTES}00000000`);
  const destination = `02000000${'0a080000'}${'00'.repeat(20)}${'10000000'}`;
  assert.equal(hex(row, RouteRow.DESTINATION, RouteRow.NEXT_HOP), destination);
  assert.equal(hex(row, RouteRow.NEXT_HOP, RouteRow.VALID_LIFETIME), `0200${'00'.repeat(30)}`);
  assert.equal(
    hex(row, RouteRow.VALID_LIFETIME),
    `${'ff'.repeat(8)}2c010000${'03000000'}01010101${'00'.repeat(8)}`,
  );
  const ipv6 = routeRow(LUID, { destination: 'fd08::/32' });
  assert.equal(ipv6[RouteRow.NEXT_HOP], Family.IPV6);
  assert.equal(hex(ipv6, RouteRow.METRIC, RouteRow.PROTOCOL), '00000000');
});

test('counters and name servers lie where Windows has them', () => {
  const row = deviceRow(LUID);
  new DataView(row.buffer).setBigUint64(DeviceRow.OUT_DISCARDS, 5_000_000_000n, true);
  assert.equal(outDiscards(row), 5_000_000_000);
  assert.equal(
    hex(dnsSettings(0x123456789a, Family.IPV4), 0, 32),
    `01${'00'.repeat(7)}02${'00'.repeat(15)}9a78563412000000`,
  );
  assert.equal(dnsSettings(1, Family.IPV6)[DnsSettings.FLAGS], 3);
});
