/**
 * The link contract against the rung `rootless`: the tests of linux-contract.test.ts, run by a normal user
 * in a user namespace, whose root makes the network namespaces.
 */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Rootless, rootlessSkip } from '../support/rootless.ts';

const REPORTER = './scripts/lib/test-events.mjs';
const CONTRACT = 'build/test/kernel/linux-contract.test.js';
/** Of the five forms the fastest and the plainest: the others differ in nothing that rights matter to. */
const FORMS = '^linux (split auto|off syscalls)';
/** `ip netns` keeps its names under /run, which is not this user's. */
const SETTLE = 'mount -t tmpfs none /run && ip link set lo up && exec "$@"';

interface TestEnd {
  readonly name: string;
  readonly outcome: 'pass' | 'fail' | 'skip';
  readonly error: string | undefined;
}

const skip = rootlessSkip('ip');
const user = skip === false ? new Rootless() : undefined;
after(() => user?.[Symbol.dispose]());

test('the link contract as a normal user', { skip }, async (context) => {
  const node = [process.execPath, '--enable-source-maps', '--test', `--test-name-pattern=${FORMS}`];
  const reporter = [`--test-reporter=${REPORTER}`, '--test-reporter-destination=stdout'];
  const inside = ['unshare', '-U', '-r', '-n', '-m', 'sh', '-c', SETTLE, 'sh'];
  const clean = ['env', '-u', 'NODE_TEST_CONTEXT'];
  const { stdout, stderr } = await user!.run([...inside, ...clean, ...node, ...reporter, CONTRACT]);
  const ends = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as TestEnd)
    .filter(({ name }) => new RegExp(FORMS).test(name));
  assert.ok(ends.length > 60, `${ends.length} tests ended: ${stderr}`);
  const passed = ends.filter(({ outcome }) => outcome === 'pass').length;
  for (const { name, outcome, error } of ends.filter((end) => end.outcome !== 'pass')) {
    // Node 20 reports those that the pattern leaves out as skipped.
    await context.test(name, () => assert.equal(outcome, 'pass', error));
  }
  context.diagnostic(`${passed} of ${ends.length} passed`);
});
