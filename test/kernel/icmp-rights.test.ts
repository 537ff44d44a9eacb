/** What the demo's ICMP checks do with less than root's rights: datagram sockets, or a skip. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { Check, DemoResult } from '#dist/cli/demo/result.js';
import { rootSkip, withNetns } from './support/netns.ts';

const run = promisify(execFile);
const NO_RAW = ['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw'];

/** The ICMP checks of a demo without CAP_NET_RAW where these groups may open ICMP sockets. */
async function icmpChecks(groups: string): Promise<Check[]> {
  return await withNetns(async (netns) => {
    const inside = ['netns', 'exec', netns];
    const set = `echo ${groups} > /proc/sys/net/ipv4/ping_group_range`;
    await run('ip', [...inside, 'sh', '-c', set]);
    const demo = [...NO_RAW, process.execPath, 'dist/cli/main.js', 'demo', '--json'];
    const { stdout } = await run('ip', [...inside, ...demo], { timeout: 120_000 });
    const result = JSON.parse(stdout) as DemoResult;
    assert.equal(result.ok, true);
    return result.checks.filter((check) => check.name.startsWith('icmp'));
  });
}

test('with ICMP datagram sockets allowed, echo passes without CAP_NET_RAW', {
  skip: rootSkip(),
}, async () => {
  for (const check of await icmpChecks('0 0')) {
    assert.ok('received' in check && check.ok);
    assert.equal(check.lost, 0);
  }
});

test('with neither kind of socket allowed, echo is skipped with the reason and never ok', {
  skip: rootSkip(),
}, async () => {
  const checks = await icmpChecks('1 0');
  assert.equal(checks.length, 2);
  for (const check of checks) {
    assert.ok('skipped' in check && !('ok' in check));
    assert.match(check.skipped, /raw EPERM, datagram EACCES; .*ping_group_range/);
  }
});
