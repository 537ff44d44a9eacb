/** What the command says on Windows. Wine lacks the calls that set an interface up: so does its doctor say. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FOLDER } from './support/standin.ts';

interface Said {
  readonly auto: string;
  readonly findings: readonly { name: string; ok?: boolean; detail: string; remedy?: string }[];
}

/** Runs the command with this DLL in the environment; its output goes by a file, as Wine wants it. */
function typetun(dll: string, ...args: string[]): { status: number | null; stdout: string } {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-'));
  const path = join(folder, 'out');
  const out = openSync(path, 'w');
  try {
    const env = { ...process.env, TYPETUN_WINTUN_DLL: join(FOLDER, dll) };
    const { status } = spawnSync(process.execPath, [join('dist', 'cli', 'main.js'), ...args], {
      env,
      stdio: ['ignore', out, out],
      timeout: 30_000,
    });
    return { status, stdout: readFileSync(path, 'utf8') };
  } finally {
    closeSync(out);
    rmSync(folder, { recursive: true });
  }
}

function doctor(dll: string): Map<string, Said['findings'][number]> {
  const { status, stdout } = typetun(dll, 'doctor', '--json');
  assert.equal(status, 0, stdout);
  const said = JSON.parse(stdout) as Said;
  assert.equal(said.auto, 'memory');
  return new Map(said.findings.map((one) => [one.name, one]));
}

test('the doctor names the DLL, who named it, its publisher, and the driver', () => {
  const found = doctor('signed.dll');
  const dll = found.get('wintun-dll');
  assert.equal(dll?.ok, true);
  assert.match(dll.detail, /signed\.dll \(TYPETUN_WINTUN_DLL\), signed by its publisher/);
  assert.match(found.get('wintun-driver')!.detail, /no driver runs yet/);
  assert.match(found.get('wintun-adapters')!.detail, /there are none/);
  assert.match(found.get('link-windows')!.detail, /no GetIpInterfaceEntry.*Wine/);
  assert.equal(found.get('link-memory')?.ok, true);
  assert.equal(found.get('tun-device'), undefined, 'nothing of Linux');
});

test('the doctor says what is wrong with a DLL, and does not load it', () => {
  const found = doctor('other.dll');
  const dll = found.get('wintun-dll');
  assert.equal(dll?.ok, false);
  assert.match(dll.detail, /signed by "Somebody Else Ltd".*ERR_TUN_DRIVER_UNTRUSTED/);
  assert.match(dll.remedy!, /wintun\.net/);
  assert.equal(found.get('wintun-driver'), undefined);
  assert.match(found.get('link-windows')!.detail, /ERR_TUN_DRIVER_UNTRUSTED/);
});

test('the demo refuses a DLL it cannot trust rather than run without', () => {
  const { status, stdout } = typetun('tampered.dll', 'demo');
  assert.equal(status, 1);
  assert.match(stdout, /was changed after it was signed.*ERR_TUN_DRIVER_UNTRUSTED/);
});

test('the demo runs in process where Windows lacks something, and says what', () => {
  const { status, stdout } = typetun('missing.dll', 'demo');
  assert.equal(status, 0, stdout);
  assert.match(stdout, /in process: the kernel's link cannot be had: there is no .*missing\.dll/);
});
