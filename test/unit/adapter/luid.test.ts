import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceName, luidIndexFor, parseDeviceName } from '#dist/adapter/luid.js';

test('every form of a device name leads to its index', () => {
  for (const name of ['\\\\.\\Device\\WINTUN7', 'WINTUN7', 'wintun7', '7']) {
    assert.equal(parseDeviceName(name), 7);
  }
  assert.equal(parseDeviceName(deviceName(4_294_967_295)), 4_294_967_295);
});

test('what is no device name is refused with the forms that are', () => {
  const wrong = [
    '',
    'WINTUN',
    'WINTUN-1',
    'WINTUN07',
    '7.5',
    'x7',
    '\\Device\\WINTUN7',
    '4294967296',
  ];
  for (const name of wrong) {
    assert.throws(() => parseDeviceName(name), /is no device name; write .*WINTUN7, or 7/);
  }
});

test('in-process adapters count from 2^31, others have their interface index', () => {
  const first = luidIndexFor(undefined);
  assert.ok(first >= 2 ** 31);
  assert.equal(luidIndexFor(undefined), first + 1);
  assert.equal(luidIndexFor(12), 12);
});
