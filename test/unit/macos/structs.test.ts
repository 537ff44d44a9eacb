/** What utun is asked with, byte by byte. No Mac has seen it: the layouts are those of Apple's headers. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CtlInfo,
  controlId,
  ctlInfo,
  IfReq,
  ifReq,
  mtuOf,
  SockaddrCtl,
  sockaddrCtl,
  unitOf,
  writeFamily,
} from '#dist/link/macos/structs.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('a ctl_info has 100 bytes, its name from the fifth on', () => {
  const name = 'com.apple.net.utun_control';
  const info = ctlInfo(name);
  assert.equal(info.length, 100);
  assert.equal(hex(info), `00000000${hex(new TextEncoder().encode(name))}`.padEnd(200, '0'));
  info.set([1, 2, 0, 0], CtlInfo.ID);
  assert.equal(controlId(info), 0x201);
  assert.equal(ctlInfo('x'.repeat(200)).at(-1), 0, 'a name too long still ends');
});

test('a sockaddr_ctl has 32 bytes: length, family, kind, control, unit', () => {
  const address = sockaddrCtl(0x1234, 8);
  assert.equal(SockaddrCtl.BYTES, 32);
  assert.equal(hex(address), `2020${'0200'}${'34120000'}${'08000000'}`.padEnd(64, '0'));
});

test('an ifreq has 32 bytes, its MTU behind the name', () => {
  const request = ifReq('utun7', 1400);
  assert.equal(IfReq.BYTES, 32);
  assert.equal(hex(request), `7574756e37${'00'.repeat(11)}78050000`.padEnd(64, '0'));
  assert.equal(mtuOf(request), 1400);
  assert.equal(ifReq('x'.repeat(40))[15], 0, 'a name too long still ends');
});

test('the family in front of a packet is big endian, and IPv6 is 30', () => {
  const family = new Uint8Array(4).fill(0xa5);
  writeFamily(family, 0x45);
  assert.equal(hex(family), '00000002');
  writeFamily(family, 0x60);
  assert.equal(hex(family), '0000001e');
});

test('the unit is one more than the number in the name, and no other name is taken', () => {
  assert.deepEqual([undefined, 'utun0', 'utun7', 'utun123'].map(unitOf), [0, 1, 8, 124]);
  for (const name of ['utun', 'utun07', 'utun-1', 'tun0', 'utun7x', 'UTUN7', 'utun123456']) {
    assert.equal(unitOf(name), undefined, name);
  }
});
