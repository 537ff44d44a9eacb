/** What is asked about Windows' driver, on another system. On Windows: test/windows. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  deleteWintunDriver,
  inspectWintun,
  kernelLink,
  listWintunAdapters,
  wintunDriverVersion,
} from 'typetun';

for (const ask of [wintunDriverVersion, deleteWintunDriver, listWintunAdapters, inspectWintun]) {
  test(`${ask.name} says that this is not Windows`, async () => {
    await assert.rejects(ask(), {
      code: 'ERR_TUN_UNSUPPORTED',
      message: /Wintun is Windows' driver, and this is/,
    });
  });
}

test('a system says which link its kernel has', () => {
  const links: Readonly<Record<string, string>> = {
    linux: 'linux',
    win32: 'windows',
    darwin: 'macos',
  };
  assert.equal(kernelLink(), links[process.platform]);
});
