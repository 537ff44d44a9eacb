/** The link contract against persistent TUNs that root made and a normal user attaches to. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ip, rootSkip, withNetns } from './support/netns.ts';
import { tunFolder, userCommand } from './support/user.ts';

const PROGRAM = fileURLToPath(new URL('support/user-contract.js', import.meta.url));
const REPORTER = new URL('../../../scripts/lib/test-events.mjs', import.meta.url).href;
/** How long all of it may take, in ms. */
const PATIENCE_MS = 120_000;

interface TestEnd {
  readonly name: string;
  readonly outcome: 'pass' | 'fail' | 'skip';
  readonly error: string | undefined;
}

/** Runs the contract as a normal user in the namespace; returns how each test of it ended. */
async function runContract(netns: string, ...words: string[]): Promise<TestEnd[]> {
  using made = tunFolder();
  const [command, ...before] = userCommand(netns, made.folder);
  const reporter = [`--test-reporter=${REPORTER}`, '--test-reporter-destination=stdout'];
  const node = [process.execPath, '--enable-source-maps', ...reporter, PROGRAM, ...words];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(command!, [...before, ...node], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env,
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  let printed = '';
  child.stdout!.on('data', (text) => (printed += text));
  child.on('message', (request: string[]) => {
    ip('-n', netns, ...request).then(
      () => child.send([]),
      (error: Error) => child.send([error.message]),
    );
  });
  await once(child, 'close');
  return printed
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as TestEnd);
}

for (const [offload, by] of [
  ['split', 'name'],
  ['carry', 'name'],
  ['off', 'name'],
  ['split', 'fd'],
  ['off', 'fd'],
] as const) {
  test(`a normal user's link: ${offload}, by ${by}`, { skip: rootSkip() }, async (context) => {
    await withNetns(async (netns) => {
      const ends = await runContract(netns, offload, by);
      for (const { name, outcome, error } of ends) {
        await context.test(name, () => assert.equal(outcome, 'pass', error));
      }
      assert.ok(ends.length > 30, `${ends.length} tests ended`);
    });
  });
}
