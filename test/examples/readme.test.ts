/**
 * The README holds what it says: each shell command in it is run by a test, each TypeScript block
 * compiles against the public API and runs, and each link leads somewhere.
 */

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const README = readFileSync('README.md', 'utf8');
const TIMEOUT_MS = 120_000;

/** Contents of the fenced blocks of a language. */
function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(
    (match) => match[1]!,
  );
}

/** Shell commands of the README, and where each is run. */
const COMMANDS: Readonly<Record<string, string>> = {
  'npm ci && npm start': '.ci/run, in a fresh clone',
  'npm ci && npm test': '.ci/run, in a fresh clone',
  'npm pack': 'test/package/package.test.ts',
  'npm install ../typetun/typetun-0.1.0.tgz': 'test/package/package.test.ts',
  'npm install -D typescript @types/node': 'test/package/package.test.ts, at the pinned versions',
  'npm run example -- testing': 'here',
  'npm run example -- workers': 'here',
  'npm run sdv -- --scenario read-pause': 'here',
  'npm run dvl': '.ci/run',
  'npm run bench -- --quick': '.ci/run',
  'npm run example -- forward --help': 'here',
  'npx typetun run -- ping -c 3 10.7.0.2': '.ci/run and test/kernel/run.test.ts, as a normal user',
  'npx typetun run --policy examples/deny-udp.mjs --pcap out/ping.pcapng -- ping -c 3 10.7.0.2':
    '.ci/run and test/kernel/run.test.ts, as a normal user',
  'npx typetun serve': 'test/kernel/command-line.test.ts',
  'npx typetun adapter create demo --address 10.7.0.1/24': 'test/kernel/command-line.test.ts',
  'npx typetun adapter show demo': 'test/kernel/command-line.test.ts',
  'npx typetun device read demo --seconds 5 --format lines': 'test/kernel/command-line.test.ts',
  'npx typetun stats demo --watch --count 3': 'test/kernel/command-line.test.ts',
  'npx typetun adapter remove demo': 'test/kernel/command-line.test.ts',
  'npm run example -- echo': 'test/kernel/examples.test.ts',
  'npm run example -- capture': 'here',
  'npx typetun capture tun0 -w - | tcpdump -n -r -': 'test/kernel/capture.test.ts',
  'npx typetun replay out/ping.pcapng tun0': 'test/kernel/replay.test.ts',
};

test('every shell command in the README is known to be run by a test', () => {
  const lines = blocks('sh')
    .flatMap((block) => block.split('\n'))
    .map((line) => line.replace(/\s*#.*$/, '').trim())
    .filter((line) => line !== '');
  assert.ok(lines.length > 0);
  assert.deepEqual([...lines].sort(), Object.keys(COMMANDS).sort());
});

test('.ci/run runs the two commands of the README as they stand there', () => {
  const ci = readFileSync('.ci/run', 'utf8');
  assert.match(ci, /npm ci/);
  assert.match(ci, /npm start/);
  assert.match(ci, /npm test/);
});

for (const command of Object.keys(COMMANDS).filter((one) => COMMANDS[one] === 'here')) {
  test(`"${command}" ends well`, async () => {
    const [program, ...args] = command.split(' ');
    const { stdout } = await run(program!, args, { timeout: TIMEOUT_MS });
    assert.ok(stdout.length > 0);
  });
}

test('every TypeScript block in the README compiles with the settings it gives', () => {
  const folder = resolve('build/readme');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const found = blocks('ts');
  assert.ok(found.length >= 2);
  for (const [i, block] of found.entries()) {
    writeFileSync(join(folder, `block${i}.ts`), `${block}\nexport {};\n`);
  }
  // What the README tells its readers to have, and nothing that only this project has.
  const [told] = blocks('json');
  const { compilerOptions } = JSON.parse(told!) as { compilerOptions: Record<string, unknown> };
  const where = { rootDir: '.', outDir: 'out' };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, ...where }, include: ['*.ts'] }),
  );
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', folder], {
    stdio: 'pipe',
  });
});

test('the block that needs no privileges runs', async () => {
  const at = blocks('ts').findIndex((block) => block.includes('typetun/testing'));
  await run(process.execPath, [`build/readme/out/block${at}.js`], { timeout: TIMEOUT_MS });
});

test('the block that needs no privileges ends well whatever its faults hit', async () => {
  const at = blocks('ts').findIndex((block) => block.includes('typetun/testing'));
  const compiled = readFileSync(`build/readme/out/block${at}.js`, 'utf8');
  const lossy = compiled.replace('loss: 0.1', 'loss: 1');
  assert.notEqual(lossy, compiled);
  writeFileSync('build/readme/out/lossy.js', lossy);
  const { stdout } = await run(process.execPath, ['build/readme/out/lossy.js'], {
    timeout: TIMEOUT_MS,
  });
  assert.equal(stdout, 'lost on the way\nfalse\n');
});

test('every local link in the README leads to a file', () => {
  const links = [...README.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1]!);
  assert.ok(links.length > 0);
  for (const link of links) assert.ok(existsSync(link), link);
});
