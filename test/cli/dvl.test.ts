/** `typetun dvl check`: a log belongs to exactly its sources. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { hashSources } from '#dist/cli/dvl/sources.js';
import { VERSION } from '#dist/version.js';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'typetun-dvl-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the package whose sources may be changed. */
const copy = join(folder, 'package');
for (const part of ['dist', 'src', 'package.json']) {
  cpSync(part, join(copy, part), { recursive: true });
}
symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
const sources = hashSources(copy);

const JSON_LOG = join(folder, 'log.json');
const XML_LOG = join(folder, 'log.xml');
writeFileSync(JSON_LOG, JSON.stringify({ version: VERSION, commit: 'c', ok: true, sources }));
writeFileSync(
  XML_LOG,
  `<?xml version="1.0"?>\n<DriverVerificationLog version="${VERSION}" commit="c" ok="true">\n${sources
    .map(({ path, sha256 }) => `<file path="${path}" sha256="${sha256}"/>`)
    .join('\n')}\n</DriverVerificationLog>\n`,
);

interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function check(...args: string[]): Promise<Answer> {
  const command = [join(copy, 'dist', 'cli', 'main.js'), 'dvl', 'check', ...args];
  try {
    return { status: 0, ...(await run(process.execPath, command)) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

test('a log belongs to its sources, in both forms', async () => {
  assert.ok(sources.length > 40);
  for (const log of [JSON_LOG, XML_LOG]) {
    const { status, stdout } = await check(log);
    assert.equal(status, 0, stdout);
    assert.match(
      stdout,
      /^the log belongs to these sources \(\d+ files, .*\), and says that all rules held$/m,
    );
  }
});

test('one byte more in sync/, a file less, or one more: the log is not of these sources', async () => {
  const changed = join(copy, 'src', 'sync', 'wake.ts');
  appendFileSync(changed, ' ');
  const added = join(copy, 'src', 'adapter', 'new.ts');
  writeFileSync(added, '');
  unlinkSync(join(copy, 'src', 'sync', 'rundown.ts'));
  const { status, stdout } = await check(XML_LOG, '--json');
  assert.equal(status, 1);
  const { ok, differences } = JSON.parse(stdout) as { ok: boolean; differences: unknown[] };
  assert.equal(ok, false);
  assert.deepEqual(differences, [
    { path: 'src/sync/rundown.ts', what: 'missing' },
    { path: 'src/sync/wake.ts', what: 'changed' },
    { path: 'src/adapter/new.ts', what: 'added' },
  ]);
});

test('a log of another version, of a failed run, or none at all is said to be so', async () => {
  const other = join(folder, 'other.json');
  writeFileSync(other, JSON.stringify({ version: '0.0.0', commit: 'c', ok: false, sources }));
  const { status, stdout } = await check(other);
  assert.equal(status, 1);
  assert.match(stdout, /the log is of version 0\.0\.0/);
  assert.match(stdout, /not all rules held/);
  const word = join(folder, 'word.json');
  writeFileSync(word, JSON.stringify({ version: VERSION, commit: 'c', ok: 'false', sources }));
  assert.equal((await check(word)).status, 1);
  const holes = join(folder, 'holes.json');
  writeFileSync(holes, JSON.stringify({ version: VERSION, ok: true, sources: [null] }));
  const nonsense = join(folder, 'nonsense.xml');
  writeFileSync(nonsense, '<html></html>');
  for (const [file, message] of [
    [nonsense, /is no Driver Verification Log/],
    [holes, /is no Driver Verification Log/],
    [join(folder, 'absent.json'), /cannot be read/],
  ] as const) {
    const refused = await check(file);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, message);
  }
});
