/** The examples, called for help and called wrongly, as a reader of the README may. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';

const TIMEOUT_MS = 60_000;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function example(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const command = ['scripts/example.mjs', ...args];
    execFile(process.execPath, command, { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test('each example says what it is when it is asked', async () => {
  for (const [name, words] of [
    ['echo', /^usage: npm run example -- echo\n\nAnswers every ping/],
    ['testing', /^usage: npm run example -- testing\n\nA test of your own/],
    ['capture', /^usage: npm run example -- capture\n\nCaptures what passes/],
    ['workers', /^usage: npm run example -- workers\n\nA worker thread/],
    ['forward', /^usage: npm run example -- forward --left SIDE --right SIDE \[--threads N\]/],
  ] as const) {
    const { code, stdout, stderr } = await example(name, '--help');
    assert.equal(code, 0, stderr);
    assert.match(stdout, words);
  }
});

const SIDES = ['--left', 'a:10.9.0.1/24', '--right', 'b:10.9.0.2/24'];

const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
  [['ecoh'], /no example "ecoh"[\s\S]*-- echo/],
  [['echo', '--fast'], /takes no arguments, such as "--fast"/],
  [['forward'], /--left is missing/],
  [['forward', '--left', 'a:10.9.0.1/24'], /--right is missing/],
  [['forward', '--thread', '4'], /Unknown option '--thread'[\s\S]*--threads N/],
  [['forward', '--left', '10.9.0.1/24'], /--left 10\.9\.0\.1\/24: give a namespace/],
  [['forward', '--left', '10.9.0.1/24,fd09::1/64'], /--left 10.*: give a namespace/],
  [['forward', '--left', ':10.9.0.1/24'], /give a namespace and addresses, such as left:10/],
  [['forward', '--left', 'a:10.9.0.1'], /--left a:10\.9\.0\.1: give a namespace/],
  [['forward', ...SIDES, '--threads', 'two'], /--threads two: give a whole number from 1 to 16/],
  [['forward', ...SIDES, '--threads', '17'], /--threads 17: give a whole number/],
];

for (const [args, message] of WRONG) {
  test(`example ${args.join(' ')} is refused with what would do`, async () => {
    const { code, stderr } = await example(...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace');
  });
}
