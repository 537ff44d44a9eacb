/** What is decided before Windows is asked for anything. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Adapter } from 'typetun';
import { findDll } from '#dist/link/windows/dll-file.js';
import { ringFor } from '#dist/link/windows/provider.js';
import { linkConfig } from '../../support/link-use.ts';

test('another system has no such link, and says which it has', async () => {
  const other = process.platform === 'win32' ? 'linux' : 'windows';
  await assert.rejects(Adapter.create({ link: other }), {
    code: 'ERR_TUN_UNSUPPORTED',
    message: new RegExp(`no kernel link "${other}" for .*; use .*'memory'`),
  });
});

test('a program that is called by a bare word has no DLL beside it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-'));
  const [program, here] = [process.argv[1]!, process.cwd()];
  try {
    writeFileSync(join(folder, 'wintun.dll'), 'planted');
    process.chdir(folder);
    // As of "node -e CODE data.bin".
    process.argv[1] = 'data.bin';
    assert.throws(() => findDll({}, {}), { code: 'ERR_TUN_NO_DRIVER' });
  } finally {
    process.argv[1] = program;
    process.chdir(here);
    rmSync(folder, { recursive: true });
  }
});

test('a DLL that was named and is not there is refused, and none taken in its place', () => {
  const dll = 'C:\\nowhere\\wintun.dll';
  const variable = { TYPETUN_WINTUN_DLL: 'C:\\elsewhere\\wintun.dll' };
  const code = 'ERR_TUN_NO_DRIVER';
  assert.throws(() => findDll({ dll }, variable), {
    code,
    message: /no C:\\nowhere\\wintun\.dll \(the option/,
  });
  assert.throws(() => findDll({}, variable), {
    code,
    message: /no C:\\elsewhere.* \(TYPETUN_WINTUN_DLL\)/,
  });
});

test('the environment variable takes a whole path alone, and is ignored where it is not to be looked at', () => {
  assert.throws(() => findDll({ dll: 'wintun.dll' }, {}), { name: 'TypeError' });
  for (const path of ['wintun.dll', '..\\wintun.dll', '\\wintun.dll', 'C:wintun.dll']) {
    assert.throws(() => findDll({}, { TYPETUN_WINTUN_DLL: path }), {
      name: 'TypeError',
      message: /TYPETUN_WINTUN_DLL is ".*"; give the whole path/,
    });
  }
  assert.throws(
    () => findDll({ environment: false }, { TYPETUN_WINTUN_DLL: 'C:\\there\\wintun.dll' }),
    {
      code: 'ERR_TUN_NO_DRIVER',
      message: /put it beside your program/,
    },
  );
});

test('a ring has room for the host queue, as a power of two within the limits', () => {
  assert.equal(ringFor({ ...linkConfig, hostQueueLength: 1000, mtu: 1500 }), 2 ** 21);
  assert.equal(ringFor({ ...linkConfig, hostQueueLength: 1, mtu: 1500 }), 0x20000);
  assert.equal(ringFor({ ...linkConfig, hostQueueLength: 1_000_000, mtu: 1500 }), 0x4000000);
});
