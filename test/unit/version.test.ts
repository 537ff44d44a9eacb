import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { VERSION } from 'typetun';
import { DRIVER_VERSION } from '#dist/version.js';

test('the version is that of package.json', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  assert.equal(VERSION, version);
});

test('the driver version is major << 16 | minor', () => {
  const [major, minor] = VERSION.split('.').map(Number);
  assert.equal(DRIVER_VERSION, major! * 65_536 + minor!);
});
