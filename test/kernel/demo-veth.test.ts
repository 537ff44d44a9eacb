/** The demo, the doctor and `typetun run` as a normal user to whom /dev/net/tun is closed: over a veth pair. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import type { DemoResult } from '#dist/cli/demo/result.js';
import type { RunReport } from '#dist/cli/run/report.js';
import { Rootless, unprivilegedSkip } from '../support/rootless.ts';
import { until } from '../support/until.ts';

const skip = unprivilegedSkip('closed', 'ping', 'ip');
const options = { skip };
const user = skip === false ? new Rootless('closed') : undefined;
after(() => user?.[Symbol.dispose]());

/** Runs `typetun run --json ...` and takes its report from the end of standard error. */
async function run(...words: readonly string[]) {
  const outcome = await user!.typetun('run', '--json', ...words);
  const last = outcome.stderr.trimEnd().split('\n').at(-1)!;
  return { ...outcome, report: JSON.parse(last) as RunReport };
}

test('all seven checks pass without /dev/net/tun, with link veth and why', options, async () => {
  const { status, stdout, stderr } = await user!.typetun('demo', '--json');
  assert.equal(status, 0, stderr);
  const { ok, link, reason, checks } = JSON.parse(stdout) as DemoResult;
  assert.deepEqual([ok, link, checks.length], [true, 'veth', 7]);
  assert.ok(checks.every((check) => 'ok' in check && check.ok));
  assert.match(reason, /^over a veth pair in a user namespace, since .*\/dev\/net\/tun/);
});

test('--link veth says in words where it runs', options, async () => {
  const { status, stdout, stderr } = await user!.typetun('demo', '--link', 'veth');
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /a veth pair, .* without \/dev\/net\/tun: asked for with --link veth/);
  assert.match(stdout, /7 passed, 0 failed, 0 skipped/);
});

test('the doctor proves the rung, and says what the better one lacks', options, async () => {
  const { stdout } = await user!.typetun('doctor', '--json');
  const said = JSON.parse(stdout) as {
    auto: string;
    findings: { name: string; ok?: boolean; detail: string; remedy?: string }[];
  };
  assert.equal(said.auto, 'veth');
  const found = (name: string) => said.findings.find((one) => one.name === name)!;
  assert.equal(found('link-veth').ok, true);
  assert.equal(found('link-rootless').ok, false);
  assert.match(found('link-rootless').detail, /\/dev\/net\/tun may not be opened/);
});

test('ping through the adapter, with the counts, the rung and its reason', options, async () => {
  const words = ['run', '--', 'ping', '-c', '3', '-i', '0.2', '10.7.0.2'];
  const { status, stdout, stderr } = await user!.typetun(...words);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /3 packets transmitted, 3 received/);
  assert.match(
    stderr,
    /network {2}veth: over a veth pair .*CAP_NET_ADMIN.*; there .*\/dev\/net\/tun/,
  );
  assert.match(stderr, /packets {2}6 out \(504 bytes\), 6 in \(504 bytes\), 0 lost/);
});

test('IPv6, an MTU and addresses of its own, and the host at the far side', options, async () => {
  const own = ['--address', 'fd99::1/64', '--mtu', '1300', '--to', 'host'];
  const pings = 'ping -c 1 -M do -s 1252 fd99::2; ping -c 1 -M do -s 1253 fd99::2';
  const { status, stdout, report } = await run(...own, 'sh', '-c', pings);
  assert.equal(status, 1);
  assert.match(stdout, /1 packets transmitted, 1 received/);
  assert.equal(report.rung, 'veth');
  assert.equal(report.adapter.out.unicastPackets, 1);
  assert.equal(report.adapter.in.unicastPackets, 1);
});

test('everything is routed to the adapter, and nothing else is there', options, async () => {
  const { stdout } = await run('sh', '-c', 'ls /proc/sys/net/ipv4/conf; cat /proc/net/route');
  const [interfaces, routes] = stdout.split(/Iface.*\n/) as [string, string];
  assert.deepEqual(interfaces.trim().split('\n').sort(), ['all', 'default', 'lo', 'tun0']);
  assert.match(routes, /^tun0\t00000000\t/m);
  assert.doesNotMatch(routes, /^(?!tun0)\S/m);
});

test('the command has three descriptors: none of the network around it', options, async () => {
  const { stdout } = await run('sh', '-c', 'ls /proc/$$/fd');
  assert.match(stdout, /^0\n1\n2\n(?:10\n)?$/);
});

test('statuses are those of the command', options, async () => {
  assert.equal((await run('sh', '-c', 'exit 7')).status, 7);
  assert.equal((await run('typetun-no-such-command')).status, 127);
  assert.equal((await run('sh', '-c', 'kill -TERM $$')).status, 143);
});

test('a command that removes its own network is told so', options, async () => {
  const words = ['run', 'sh', '-c', 'ip link del tun0; exec sleep 60'];
  const { status, stderr } = await user!.typetun(...words);
  assert.equal(status, 125);
  assert.match(stderr, /its network interface was removed .*ERR_TUN_ADAPTER_REMOVED/);
});

test('SIGTERM in the middle of a transfer leaves no process', options, async () => {
  const mark = `63.${process.pid}`;
  const child = user!.start([process.execPath, 'dist/cli/main.js', 'run', 'sleep', mark]);
  await until(() => processesWith(mark) > 1);
  child.kill('SIGTERM');
  const status = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(status, 143);
  await until(() => processesWith(mark) === 0);
});

/** Processes whose command line ends with this. */
function processesWith(last: string): number {
  return readdirSync('/proc').filter((id) => {
    try {
      return readFileSync(`/proc/${id}/cmdline`, 'latin1').endsWith(`${last}\0`);
    } catch {
      return false;
    }
  }).length;
}
