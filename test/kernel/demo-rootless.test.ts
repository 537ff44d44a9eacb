/** The demo as a normal user: in a user namespace where there may be one, else in process. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { DemoResult } from '#dist/cli/demo/result.js';
import { Rootless, rootlessSkip } from '../support/rootless.ts';

const skip = rootlessSkip();
const user = skip === false ? new Rootless() : undefined;
after(() => user?.[Symbol.dispose]());

test('all seven checks pass as a normal user, with link rootless and why', { skip }, async () => {
  const { status, stdout, stderr } = await user!.typetun('demo', '--json');
  assert.equal(status, 0, stderr);
  const { ok, link, reason, checks } = JSON.parse(stdout) as DemoResult;
  assert.deepEqual([ok, link, checks.length], [true, 'rootless', 7]);
  assert.ok(checks.every((check) => 'ok' in check && check.ok));
  assert.match(reason, /in a user namespace, since .*CAP_NET_ADMIN/);
});

test('--link rootless says in words where it runs', { skip }, async () => {
  const { status, stdout, stderr } = await user!.typetun('demo', '--link', 'rootless');
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /the kernel's TUN, without privileges: asked for with --link rootless/);
  assert.match(stdout, /7 passed, 0 failed, 0 skipped/);
});

const OFF = 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all "$@"';

test('without user namespaces it runs in process and says why both others cannot be had', {
  skip,
}, async () => {
  const demo = [process.execPath, 'dist/cli/main.js', 'demo', '--json'];
  // A limit of 0 that holds for all inside, who have no rights left.
  const { status, stdout, stderr } = await user!.run([
    'unshare',
    '-U',
    '-r',
    'sh',
    '-c',
    OFF,
    'sh',
    ...demo,
  ]);
  assert.equal(status, 0, stderr);
  const { link, reason } = JSON.parse(stdout) as DemoResult;
  assert.equal(link, 'memory');
  assert.match(
    reason,
    /CAP_NET_ADMIN.*; nor in a user namespace: .*user namespaces are switched off/,
  );
});

test('SIGTERM reaches the demo in the namespace', { skip }, async () => {
  const child = user!.start([process.execPath, 'dist/cli/main.js', 'demo', '--seconds', '60']);
  let printed = '';
  child.stdout!.on('data', (part) => {
    printed += part;
    if (printed.includes('adapter tun0')) child.kill('SIGTERM');
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(status, 143, printed);
});

test('the doctor proves the rung and names it', { skip }, async () => {
  const { stdout } = await user!.typetun('doctor', '--json');
  const said = JSON.parse(stdout) as { auto: string; findings: { name: string; ok?: boolean }[] };
  assert.equal(said.auto, 'rootless');
  assert.equal(said.findings.find(({ name }) => name === 'link-rootless')?.ok, true);
});
