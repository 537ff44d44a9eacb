/** The scripts of a clone as a newcomer calls them: asked for help, and called wrongly. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { rootSkip } from '../support/root.ts';

const TIMEOUT_MS = 60_000;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function node(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    // By this variable node:test would take a run within a test for a part of it.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    execFile(process.execPath, args, { timeout: TIMEOUT_MS, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const SCRIPTS: Readonly<Record<string, readonly string[]>> = {
  test: ['scripts/test.mjs'],
  check: ['scripts/check.mjs'],
  soak: ['scripts/soak.mjs'],
  sdv: ['scripts/verify.mjs', 'sdv'],
  dvl: ['scripts/verify.mjs', 'dvl'],
  bench: ['scripts/bench.mjs'],
};

for (const [name, script] of Object.entries(SCRIPTS)) {
  const call = name === 'test' ? 'npm test' : `npm run ${name}`;

  test(`"${call} -- --help" says how it is called`, async () => {
    const { code, stdout, stderr } = await node(...script, '--help');
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.ok(stdout.startsWith(`usage: ${call} `), stdout);
  });

  test(`"${call} -- --wrong" is refused with the usage`, {
    skip: name === 'bench' && rootSkip(),
  }, async () => {
    const { code, stdout, stderr } = await node(...script, '--wrong');
    assert.equal(code, 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /Unknown option '--wrong'/);
    assert.ok(stderr.includes(`usage: ${call} `), stderr);
    assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace');
  });
}

const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
  [['scripts/test.mjs', '--suite', 'unti'], /no suite "unti"; the suites are unit/],
  [['scripts/soak.mjs', '--scale', 'ten'], /--scale ten: give a number above 0/],
  [['scripts/verify.mjs', 'sdv', '--scenario', 'x'], /no scenario "x"; there are/],
  [['scripts/verify.mjs', 'sdv', '--seed', 'x'], /--seed x: give a whole number/],
  [['scripts/verify.mjs', 'sdv', '--replay', '0'], /--replay takes the one --scenario/],
];

for (const [args, message] of WRONG) {
  test(`"${args.join(' ')}" is refused with what would do`, async () => {
    const { code, stderr } = await node(...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace');
  });
}

test('the bench refuses a wrong value before it measures', { skip: rootSkip() }, async () => {
  for (const option of ['--only', '--rounds', '--candidate']) {
    const { code, stdout, stderr } = await node('scripts/bench.mjs', option, 'x');
    assert.equal(code, 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, new RegExp(`${option} x: `));
  }
});

test('a normal user is told at once that the bench takes root', async () => {
  // Whoever runs this test, and wherever the clone lies.
  const normal = ['--import', 'data:text/javascript,process.getuid=()=>65534'];
  const { code, stderr } = await node(...normal, 'scripts/bench.mjs', '--quick');
  assert.equal(code, 1);
  assert.match(stderr, /run it as root/);
  assert.doesNotMatch(stderr, /building|\n\s+at /);
});

test('npm test -- --name prints the tests of that name and no others', async () => {
  const wanted = 'the usual addresses are taken when they are free';
  const { code, stdout } = await node('scripts/test.mjs', 'unit/demo', '--name', wanted);
  assert.equal(code, 0, stdout);
  const lines = stdout.split('\n').filter((line) => line !== '');
  assert.equal(lines.length, 2, stdout);
  assert.ok(lines[0]!.startsWith(`✔ ${wanted}`), stdout);
  assert.equal(lines[1], '1 ran, 0 failed, 0 skipped.');
});
