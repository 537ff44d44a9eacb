/**
 * The link contract against the rungs `rootless` and `veth`: the tests of linux-contract.test.ts and
 * veth-contract.test.ts, run by a normal user in a user namespace, whose root makes the network namespaces;
 * of the latter with a /dev/net/tun that does not open.
 */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Rootless, unprivilegedSkip } from '../support/rootless.ts';

const REPORTER = './scripts/lib/test-events.mjs';
/** `ip netns` keeps its names under /run, which is not this user's. */
const SETTLE = 'mount -t tmpfs none /run && ip link set lo up && exec "$@"';

interface TestEnd {
  readonly name: string;
  readonly outcome: 'pass' | 'fail' | 'skip';
  readonly error: string | undefined;
}

/** By rung: what the user may open, the tests, and which of them. */
const RUNS = [
  // Of the five forms the fastest and the plainest: the others differ in nothing that rights matter to.
  ['rootless', 'open', 'linux-contract', '^linux (split auto|off syscalls)'],
  ['veth', 'closed', 'veth-contract', '^veth (made|attached)'],
] as const;

for (const [rung, tun, file, forms] of RUNS) {
  const skip = unprivilegedSkip(tun, 'ip');
  const user = skip === false ? new Rootless(tun) : undefined;
  after(() => user?.[Symbol.dispose]());

  test(`the link contract as a normal user, on the rung ${rung}`, { skip }, async (context) => {
    const node = [process.execPath, '--enable-source-maps', '--test'];
    const filter = `--test-name-pattern=${forms}`;
    const reporter = [`--test-reporter=${REPORTER}`, '--test-reporter-destination=stdout'];
    const inside = ['unshare', '-U', '-r', '-n', '-m', 'sh', '-c', SETTLE, 'sh'];
    const clean = ['env', '-u', 'NODE_TEST_CONTEXT'];
    const contract = `build/test/kernel/${file}.test.js`;
    const words = [...inside, ...clean, ...node, filter, ...reporter, contract];
    const { stdout, stderr } = await user!.run(words);
    const ends = stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as TestEnd)
      .filter(({ name }) => new RegExp(forms).test(name));
    assert.ok(ends.length > 60, `${ends.length} tests ended: ${stderr}`);
    const passed = ends.filter(({ outcome }) => outcome === 'pass').length;
    for (const { name, outcome, error } of ends.filter((end) => end.outcome !== 'pass')) {
      // Node 20 reports those that the pattern leaves out as skipped.
      await context.test(name, () => assert.equal(outcome, 'pass', error));
    }
    context.diagnostic(`${passed} of ${ends.length} passed`);
  });
}
