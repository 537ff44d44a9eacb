/** The commands that a source checkout has, there and elsewhere. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { runTypetun } from '../support/command.ts';

test('in a source checkout sdv is the script, with the words it was called with', async () => {
  const help = await runTypetun(['sdv', '--help']);
  assert.equal(help.code, 0, help.stderr);
  assert.match(help.stdout, /^usage: npm run sdv \[-- OPTIONS\]/);
  const wrong = await runTypetun(['sdv', '--scenario', 'no-such']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /no scenario "no-such"/);
});

test('in a source checkout bench is the script', async () => {
  const { code, stdout } = await runTypetun(['bench', '--help']);
  assert.equal(code, 0);
  assert.match(stdout, /^usage: npm run bench \[-- OPTIONS\]/);
});

test('elsewhere they say that they take a checkout, and where to get one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-installed-'));
  try {
    cpSync('dist', join(folder, 'dist'), { recursive: true });
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    for (const [repository, remedy] of [
      [
        undefined,
        /clone the repository that the package was packed from, and there: npm ci && npm run bench/,
      ],
      [
        { url: 'git+https://example.org/typetun.git' },
        /git clone https:\/\/example\.org\/typetun\.git/,
      ],
    ] as const) {
      const manifest = { type: 'module', ...(repository && { repository }) };
      writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
      mkdirSync(join(folder, 'scripts'), { recursive: true });
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [join(folder, 'dist/cli/main.js'), 'bench', '--quick'],
        { encoding: 'utf8' },
      );
      assert.deepEqual([status, stdout], [1, ''], stderr);
      assert.match(stderr, /bench is part of a source checkout, and this is the installed package/);
      assert.match(stderr, remedy);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
