/**
 * Which DLLs are loaded, and which are refused: the publisher's, signed by a certificate of the test's
 * own making, and what others may put in its place. That the chain ends in a root this machine trusts
 * cannot be tested here: Wine takes any.
 */

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { verifySignature } from '#dist/os/authenticode.js';
import { findDll, holdDll } from '#dist/link/windows/dll-file.js';
import { loadWintun } from '#dist/link/windows/wintun.js';
import { FOLDER } from './support/standin.ts';

const file = (name: string): string => join(FOLDER, name);

const UNTRUSTED = 'ERR_TUN_DRIVER_UNTRUSTED';
const NO_DRIVER = 'ERR_TUN_NO_DRIVER';

test('a DLL that its publisher signed is loaded, once', () => {
  const wintun = loadWintun({ dll: file('signed.dll') });
  assert.equal(wintun.getRunningDriverVersion(), 0, 'no driver before there is an adapter');
  assert.equal(loadWintun({ dll: file('signed.dll') }), wintun);
});

const REFUSED: readonly (readonly [string, string, string, RegExp])[] = [
  ['that is not signed', 'unsigned.dll', UNTRUSTED, /unsigned\.dll is not signed; get/],
  ['that was changed after it was signed', 'tampered.dll', UNTRUSTED, /was changed after/],
  [
    'that another publisher signed',
    'other.dll',
    UNTRUSTED,
    /signed by "Somebody Else Ltd" and not by "WireGuard LLC"/,
  ],
  [
    'whose signer has a name that begins the same',
    'near.dll',
    UNTRUSTED,
    /signed by "WireGuard LLC Trading" and not/,
  ],
  [
    'whose signer has the name elsewhere than as common name',
    'unit.dll',
    UNTRUSTED,
    /signed by "Somebody" and not by "WireGuard LLC"/,
  ],
  ['that is not there', 'missing.dll', NO_DRIVER, /there is no .*missing\.dll \(the option/],
  ['for another machine', 'arm64.dll', NO_DRIVER, /is for arm64, and this Node for x64; .*amd64/],
  ['that is no program', 'text.dll', NO_DRIVER, /is no Windows program file/],
  ['that is empty', 'empty.dll', NO_DRIVER, /is no Windows program file/],
  [
    'that is too old',
    'old.dll',
    NO_DRIVER,
    /old\.dll is too old: it has no Wintun\w+; get 0\.14 or later/,
  ],
];

for (const [what, name, code, message] of REFUSED) {
  test(`a DLL is refused ${what}`, () => {
    assert.throws(() => loadWintun({ dll: file(name) }), { name: 'TunError', code, message });
  });
}

test('a DLL without a signature is loaded by whoever says so', () => {
  assert.equal(
    loadWintun({ dll: file('unsigned.dll'), allowUnsigned: true }).path,
    file('unsigned.dll'),
  );
});

test('whoever does not say so does not get a DLL that another call has loaded unsigned', () => {
  const dll = file('unsigned.dll');
  const wintun = loadWintun({ dll, allowUnsigned: true });
  assert.throws(() => loadWintun({ dll }), { code: UNTRUSTED, message: /is not signed; get/ });
  assert.equal(loadWintun({ dll, allowUnsigned: true }), wintun);
  // One that is signed is everybody's, whoever loaded it.
  const signed = loadWintun({ dll: file('signed.dll'), allowUnsigned: true });
  assert.equal(loadWintun({ dll: file('signed.dll') }), signed);
});

test('a DLL is looked at and loaded where it lies, by whatever path it was named', () => {
  const odd = `${FOLDER}\\.\\..\\${basename(FOLDER)}\\signed.dll`;
  using held = holdDll(odd);
  assert.equal(held.path.toLowerCase(), file('signed.dll').toLowerCase());
  assert.equal(loadWintun({ dll: odd }), loadWintun({ dll: file('signed.dll') }));
});

test('the DLL is found by option, by variable, and beside the program, in this order', () => {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-'));
  const program = process.argv[1]!;
  try {
    copyFileSync(file('signed.dll'), join(folder, 'wintun.dll'));
    process.argv[1] = join(folder, 'program.js');
    const variable = { TYPETUN_WINTUN_DLL: file('other.dll') };
    assert.equal(findDll({ dll: file('signed.dll') }, variable).path, file('signed.dll'));
    assert.equal(findDll({}, variable).path, file('other.dll'));
    assert.equal(findDll({ environment: false }, variable).path, join(folder, 'wintun.dll'));
    assert.equal(findDll({}, {}).path, join(folder, 'wintun.dll'));
    assert.equal(findDll({}, { TYPETUN_WINTUN_DLL: '' }).path, join(folder, 'wintun.dll'));
  } finally {
    process.argv[1] = program;
    rmSync(folder, { recursive: true });
  }
});

test('nobody can change or replace a DLL while it is looked at', () => {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-'));
  const path = join(folder, 'wintun.dll');
  try {
    copyFileSync(file('signed.dll'), path);
    {
      using held = holdDll(path);
      assert.equal(verifySignature(path, held.handle).state, 'valid');
      assert.throws(() => writeFileSync(path, 'planted'), 'written to');
      assert.throws(() => renameSync(path, `${path}.old`), 'moved away');
      assert.throws(() => rmSync(path), 'removed');
      assert.throws(() => renameSync(file('other.dll'), path), 'replaced');
    }
    writeFileSync(path, 'free again');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
