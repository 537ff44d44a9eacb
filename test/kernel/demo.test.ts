/** The demo over the kernel: what `npm start` shows as root, and that it leaves nothing behind. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { DemoResult } from '#dist/cli/demo/result.js';
import { rootSkip, withNetns } from './support/netns.ts';

const run = promisify(execFile);
const options = { skip: rootSkip() };
const MAIN = 'dist/cli/main.js';
const BYTES = 64 * 1024 * 1024;

test('all seven checks pass over the kernel and nothing is left', options, async () => {
  const result = await withNetns(async (netns) => {
    const { stdout } = await run('ip', [...inside(netns), '--json'], { timeout: 120_000 });
    assert.deepEqual(await interfacesIn(netns), ['lo']);
    return JSON.parse(stdout) as DemoResult;
  });
  assert.equal(result.ok, true, JSON.stringify(result));
  assert.equal(result.link, 'linux');
  const checks = Object.fromEntries(result.checks.map((check) => [check.name, check])) as Record<
    string,
    Record<string, unknown>
  >;
  assert.deepEqual(Object.keys(checks), [
    'icmp4',
    'icmp6',
    'udp4',
    'udp6',
    'tcp4',
    'tcp6',
    'pause',
  ]);
  for (const name of ['udp4', 'udp6']) {
    assert.equal(checks[name]!['sent'], 10_000);
    assert.equal(checks[name]!['lost'], 0);
    assert.equal(checks[name]!['corrupt'], 0);
  }
  for (const name of ['icmp4', 'icmp6']) assert.equal(checks[name]!['lost'], 0);
  for (const name of ['tcp4', 'tcp6']) {
    assert.equal(checks[name]!['bytes'], BYTES);
    assert.equal(checks[name]!['sha256Match'], true);
  }
  assert.ok(Number(checks['pause']!['offeredWhilePaused']) > 0);
  assert.equal(checks['pause']!['deliveredWhilePaused'], 0);
  assert.ok(result.bundles.packetsPerBundle.max > 1);
});

test('--seconds keeps TCP up for that long', options, async () => {
  const began = performance.now();
  const { stdout } = await run(process.execPath, [MAIN, 'demo', '--seconds', '6', '--json'], {
    timeout: 120_000,
  });
  assert.equal((JSON.parse(stdout) as DemoResult).ok, true);
  assert.ok(performance.now() - began > 6000);
});

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  for (const afterMs of [300, 1200, 2500]) {
    test(
      `${signal} after ${afterMs} ms ends with ${code} and leaves nothing`,
      options,
      async () => {
        await withNetns(async (netns) => {
          const demo = spawn('ip', [...inside(netns), '--seconds', '20'], { stdio: 'ignore' });
          const ended = once(demo, 'exit');
          await new Promise((resolve) => setTimeout(resolve, afterMs));
          demo.kill(signal);
          const [exitCode] = (await ended) as [number | null];
          // Before its handlers are installed a process ends by the signal itself, with nothing made.
          assert.ok(exitCode === code || (exitCode === null && afterMs === 300), `${exitCode}`);
          assert.deepEqual(await interfacesIn(netns), ['lo']);
        });
      },
    );
  }
}

test('a failure half way leaves nothing and is named with likely causes', options, async () => {
  await withNetns(async (netns) => {
    // A rule, not a route: networks that are routed elsewhere the demo avoids.
    await run('ip', ['-n', netns, 'rule', 'add', 'to', '10.7.0.2/32', 'blackhole']);
    await assert.rejects(run('ip', inside(netns), { timeout: 240_000 }), (error: unknown) => {
      const { code, stdout } = error as { code: number; stdout: string };
      assert.equal(code, 1);
      assert.match(stdout, /likely cause: .*firewall/);
      assert.match(stdout, /3 passed, 4 failed, 0 skipped/);
      return true;
    });
    assert.deepEqual(await interfacesIn(netns), ['lo']);
  });
});

/** The demo in a namespace, where no other program makes interfaces meanwhile. */
function inside(netns: string): string[] {
  return ['netns', 'exec', netns, process.execPath, MAIN, 'demo'];
}

async function interfacesIn(netns: string): Promise<string[]> {
  const { stdout } = await run('ip', ['-n', netns, '-j', 'link']);
  return (JSON.parse(stdout) as { ifname: string }[]).map((link) => link.ifname);
}
