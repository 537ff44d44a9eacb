/** The TypeScript blocks of docs/capture.md compile, and the one that needs no privileges runs. */

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const FOLDER = resolve('build/capture-doc');
const TEXT = readFileSync('docs/capture.md', 'utf8');
const BLOCKS = [...TEXT.matchAll(/^```ts\n(.*?)^```/gms)].map((match) => match[1]!);

test('every block compiles', () => {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  assert.ok(BLOCKS.length >= 2);
  for (const [i, block] of BLOCKS.entries()) {
    writeFileSync(
      join(FOLDER, `block${i}.ts`),
      `${block.replaceAll('/tmp/', `${FOLDER}/`)}\nexport {};\n`,
    );
  }
  const compilerOptions = { target: 'es2022', module: 'nodenext', types: ['node'], strict: true };
  writeFileSync(
    join(FOLDER, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: { ...compilerOptions, rootDir: '.', outDir: 'out' },
      include: ['*.ts'],
    }),
  );
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', FOLDER], {
    stdio: 'pipe',
  });
});

test('the first block runs, and makes its files', async () => {
  const { stdout } = await run(process.execPath, [join(FOLDER, 'out', 'block0.js')]);
  assert.match(stdout, /packets: 0, dropped: 0, filtered: 0/);
  for (const name of ['one.pcapng', 'two.pcapng']) assert.ok(existsSync(join(FOLDER, name)), name);
});

test('every link leads to a file or out', () => {
  const links = [...TEXT.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1]!);
  for (const link of links) assert.ok(existsSync(join('docs', link)), link);
});
