/** The command line as a user calls it: a process of its own, standard output and exit status. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { DemoResult } from '#dist/cli/demo/result.js';

const MAIN = 'dist/cli/main.js';
const TIMEOUT_MS = 60_000;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function typetun(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, env: { ...process.env, NO_COLOR: '1' } };
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code);
      resolve({ code, stdout, stderr });
    });
  });
}

test('--version prints the version of package.json', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  assert.deepEqual(await typetun('--version'), { code: 0, stdout: `${version}\n`, stderr: '' });
});

test('help lists the commands, and help of a command its options', async () => {
  const all = await typetun('help');
  assert.equal(all.code, 0);
  assert.match(
    all.stdout,
    /demo \[options\][\s\S]*doctor \[options\][\s\S]*run \[options\][\s\S]*Exit status/,
  );
  const demo = await typetun('help', 'demo');
  assert.equal(demo.code, 0);
  assert.match(demo.stdout, /--link <link>[\s\S]*--seconds <n>[\s\S]*--json/);
  assert.deepEqual(await typetun('demo', '--help'), demo);
});

test('help goes as deep as the commands do', async () => {
  const check = await typetun('help', 'dvl', 'check');
  assert.equal(check.code, 0);
  assert.match(check.stdout, /Usage: typetun dvl check \[options\] <file>/);
  assert.deepEqual(await typetun('dvl', 'check', '--help'), check);
});

test('the help of --seconds says what they are shared by, and how long it takes without', async () => {
  const { stdout } = await typetun('demo', '--help');
  assert.match(stdout.replace(/\s+/g, ' '), /n seconds, both families together .*default: 64 MiB/);
});

const REFUSED: readonly (readonly [readonly string[], RegExp])[] = [
  [[], /Usage: typetun/],
  [['doctr'], /unknown command 'doctr'[\s\S]*doctor/],
  [['help', 'foo'], /unknown command 'foo'; there are demo, doctor, run, .*help/],
  [['help', 'dvl', 'foo'], /unknown command 'foo'; there are check/],
  [['help', 'demo', 'foo'], /unknown command 'foo'; demo has none/],
  [['demo', '--lnk', 'memory'], /unknown option '--lnk'[\s\S]*--link/],
  [
    ['demo', '--link', 'pigeon'],
    /'pigeon' is invalid\. give one of auto, linux, windows, rootless, veth, memory/,
  ],
  [['demo', '--link'], /--link <link>.*argument missing/],
  [['demo', '--seconds', '0'], /'0' is invalid\. give a number of seconds above 0/],
  [['demo', '--seconds', 'ten'], /'ten' is invalid/],
  [['demo', '--seconds', '-1'], /'-1' is invalid/],
  [['demo', 'extra'], /too many arguments/],
  [['run'], /missing required argument 'command'/],
  [['capture'], /missing required argument 'adapter'/],
  [
    ['capture', 'a', '--filter', 'tcp por 80'],
    /"por" at position 5 is where "and", "or" or the end/,
  ],
  [['capture', 'a', '--rotate', '1m'], /--rotate is for files; give one with -w/],
  [['capture', 'a', '-w', '-', '--rotate', '1m'], /--rotate is for files/],
  [['capture', 'a', '-w', 'x', '--rotate', 'much'], /'much' is invalid. give a number of bytes/],
  [['capture', 'a', '--count', '0'], /'0' is invalid. give a whole number above 0/],
  [['capture', 'a', '--snaplen', '-1'], /'-1' is invalid. give a whole number above 0/],
  [['capture', 'a', '--direction', 'up'], /'up' is invalid. Allowed choices are send, receive/],
  [['replay', 'file'], /missing required argument 'adapter'/],
  [['replay', 'f', 'a', '--speed', '0'], /'0' is invalid. give a factor above 0/],
  [['replay', 'f', 'a', '--filter', 'tcp and'], /the end at position 8 is where one of host/],
  [['run', '--to', 'moon', 'true'], /--to is "moon"; give reflector, host, or adapter/],
  [['run', '--to', 'adapter', '--', 'true'], /--to is "adapter"; give reflector, host, or adapter/],
  [['run', '--address', '10.7.0.1', 'true'], /"10\.7\.0\.1" has no prefix length/],
  [['run', '--dns', 'one', 'true'], /"one" is no IP address/],
  [['run', '--name', 'a=10.1.1.1', 'true'], /--name is for the DNS server of --to host/],
  [['run', '--to', 'host', '--name', 'a', 'true'], /--name is "a"; give NAME=ADDRESS/],
  [['run', '--policy', '/no/such.mjs', 'true'], /there is no policy \/no\/such\.mjs/],
  [['run', '--mtu', 'big', 'true'], /'big' is invalid\. give a whole number/],
  [['run', '--rung', 'top', 'true'], /'top' is invalid\. give one of kernel, rootless, veth/],
  [['doctor', '--jsn'], /unknown option '--jsn'/],
];

for (const [args, message] of REFUSED) {
  test(`"typetun ${args.join(' ')}" is refused with status 2 and the remedy`, async () => {
    const { code, stdout, stderr } = await typetun(...args);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace');
  });
}

test('the demo in process prints exactly one object, of the promised shape', async () => {
  const { code, stdout } = await typetun('demo', '--link', 'memory', '--json');
  assert.equal(code, 0);
  assert.equal(stdout.trimEnd().split('\n').length, 1);
  const result = JSON.parse(stdout) as DemoResult;
  assert.equal(result.ok, true);
  assert.equal(result.link, 'memory');
  assert.match(result.reason, /--link memory/);
  assert.deepEqual(Object.keys(result), [
    ...['ok', 'link', 'reason', 'adapter', 'checks', 'statistics', 'bundles'],
  ]);
  assert.deepEqual(Object.keys(result.adapter), [
    ...['name', 'luidIndex', 'device', 'mtu', 'addresses'],
  ]);
  const shapes = Object.fromEntries(
    result.checks.map(({ name, ...rest }) => [name, Object.keys(rest)]),
  );
  const icmp = ['ok', 'sent', 'received', 'lost', 'rttUs'];
  const udp = ['ok', 'sent', 'received', 'lost', 'corrupt'];
  assert.deepEqual(shapes, {
    icmp4: icmp,
    icmp6: icmp,
    udp4: udp,
    udp6: udp,
    tcp4: ['skipped'],
    tcp6: ['skipped'],
    pause: [
      ...['ok', 'pausedMs', 'offeredWhilePaused', 'deliveredWhilePaused', 'resumedAfterMs'],
      'recovered',
    ],
  });
  assert.ok(result.bundles.packetsPerBundle.max >= result.bundles.packetsPerBundle.mean);
});

test('the demo for people is plain text where nobody watches', async () => {
  const { code, stdout } = await typetun('demo', '--link', 'memory');
  assert.equal(code, 0);
  assert.match(stdout, /5 passed, 0 failed, 2 skipped/);
  assert.equal(stdout.includes('\x1b'), false);
  assert.equal(stdout.includes('\r'), false);
});

test('the doctor says which link the demo would take and why not the other', async () => {
  const { code, stdout } = await typetun('doctor', '--json');
  assert.equal(code, 0);
  const said = JSON.parse(stdout) as {
    auto: string;
    findings: { name: string; ok?: boolean; detail: string; remedy?: string }[];
  };
  const works = (link: string): boolean =>
    said.findings.some((one) => one.name === `link-${link}` && one.ok === true);
  const first = ['linux', 'rootless', 'veth', 'memory'].find(works);
  assert.equal(said.auto, first);
  assert.ok(said.findings.some((one) => one.name === 'link-rootless'));
  assert.ok(said.findings.some((one) => one.name === 'link-veth' && one.ok !== undefined));
  for (const finding of said.findings) {
    assert.ok(finding.detail.length > 0, finding.name);
    if (finding.ok === false) assert.ok(finding.remedy, `${finding.name} says what to do`);
  }
});
