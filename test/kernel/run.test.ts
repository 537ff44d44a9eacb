/** `typetun run` as a normal user: the command's network, statuses, signals, policy, capture, and what is left. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { RunReport } from '#dist/cli/run/report.js';
import { type Outcome, Rootless, rootlessSkip } from '../support/rootless.ts';
import { until } from '../support/until.ts';
import { ip, rootSkip, withNetns } from './support/netns.ts';

const skip = rootlessSkip('ping');
const options = { skip };
const user = skip === false ? new Rootless() : undefined;
after(() => user?.[Symbol.dispose]());

/** Runs `typetun run --json ...` and takes its report from the end of standard error. */
async function run(...words: readonly string[]): Promise<Outcome & { report: RunReport }> {
  const outcome = await user!.typetun('run', '--json', ...words);
  const last = outcome.stderr.trimEnd().split('\n').at(-1)!;
  return { ...outcome, report: JSON.parse(last) as RunReport };
}

test('ping through the adapter, rootless, with the counts', options, async () => {
  const { status, stdout, stderr } = await user!.typetun(
    'run',
    '--',
    'ping',
    '-c',
    '3',
    '-i',
    '0.2',
    '10.7.0.2',
  );
  assert.equal(status, 0, stderr);
  assert.match(stdout, /3 packets transmitted, 3 received/);
  assert.match(stderr, /network {2}rootless: .*neither CAP_SYS_ADMIN nor CAP_NET_ADMIN/);
  // Requests, and the answers that the command's own network stack gave to them reflected.
  assert.match(stderr, /packets {2}6 out \(504 bytes\), 6 in \(504 bytes\), 0 lost/);
});

test('IPv6 goes through it as well, and the report is an object', options, async () => {
  const { status, report } = await run('ping', '-c', '2', '-i', '0.2', 'fd07::2');
  assert.equal(status, 0);
  assert.equal(report.rung, 'rootless');
  assert.equal(report.adapter.out.unicastPackets, 4);
  assert.equal(report.adapter.in.unicastPackets, 4);
});

test('everything is routed to the adapter, and nothing else is there', options, async () => {
  const { stdout } = await run('sh', '-c', 'ls /proc/sys/net/ipv4/conf; cat /proc/net/route');
  const [interfaces, routes] = stdout.split(/Iface.*\n/) as [string, string];
  assert.deepEqual(interfaces.trim().split('\n').sort(), ['all', 'default', 'lo', 'tun0']);
  assert.match(routes, /^tun0\t00000000\t/m);
  assert.doesNotMatch(routes, /^(?!tun0)\S/m);
});

for (const [words, expected] of [
  [['true'], 0],
  [['sh', '-c', 'exit 7'], 7],
  [['sh', '-c', 'kill -TERM $$'], 143],
  [['sh', '-c', 'kill -KILL $$'], 137],
  [['typetun-no-such-command'], 127],
  [['/no/such/file'], 127],
  [['/etc/passwd'], 126],
  [['/etc'], 126],
] as const) {
  test(`"${words.join(' ')}" ends with ${expected}`, options, async () => {
    const { status, stderr, report } = await run(...words);
    assert.equal(status, expected, stderr);
    assert.equal(report.status, expected);
    if (expected === 127) assert.match(stderr, /: there is no such command \(ENOENT\)/);
    if (expected === 126) assert.match(stderr, /: cannot be run \(EACCES\)/);
  });
}

test('a script without a first line is run by the shell', options, async () => {
  const script = join(user!.home, 'script');
  writeFileSync(script, 'echo "$1 $2"\nexit 4\n', { mode: 0o755 });
  const { status, stdout } = await run(script, 'a b', 'c');
  assert.deepEqual([status, stdout], [4, 'a b c\n']);
});

test('words, environment, folder and standard input are as they were given', options, async () => {
  const { stdout } = await user!.run(
    [
      'env',
      'A=ü b',
      'NODE_OPTIONS=--max-old-space-size=99',
      process.execPath,
      'dist/cli/main.js',
      'run',
      'sh',
      '-c',
      'printf "%s|" "$@" "$A" "$NODE_OPTIONS"; cat; pwd',
      'sh',
      '--json',
      '',
      "it's",
    ],
    { input: 'from outside\n' },
  );
  const folder = stdout.split('\n').at(-2)!;
  assert.equal(stdout, `--json||it's|ü b|--max-old-space-size=99|from outside\n${folder}\n`);
  assert.ok(folder.startsWith('/') && folder !== '/');
});

test('the command has default signals, none blocked, and three descriptors', options, async () => {
  const show = 'grep -E "^Sig(Blk|Ign)" /proc/self/status; ls /proc/$$/fd';
  // What is ignored is inherited, also by Node.
  const words = [
    'env',
    '--ignore-signal=SIGHUP',
    process.execPath,
    'dist/cli/main.js',
    'run',
    'sh',
    '-c',
    show,
  ];
  const { stdout } = await user!.run(words);
  assert.match(stdout, /SigBlk:\t0+\nSigIgn:\t0+\n0\n1\n2\n(?:10\n)?$/);
});

test(
  'a descriptor that the launcher inherited is no way out for the command',
  options,
  async () => {
    const launch = 'exec 40</dev/null; exec "$@"';
    const typetun = [process.execPath, 'dist/cli/main.js', 'run', 'ls', '/proc/self/fd'];
    const { stdout } = await user!.run(['bash', '-c', launch, 'bash', ...typetun]);
    assert.deepEqual(
      stdout.trim().split('\n'),
      ['0', '1', '2', '3'],
      'the last is that of the folder',
    );
  },
);

for (const [signal, number] of [
  ['SIGTERM', 15],
  ['SIGINT', 2],
  ['SIGHUP', 1],
  ['SIGQUIT', 3],
  ['SIGUSR1', 10],
  ['SIGUSR2', 12],
] as const) {
  test(`${signal} reaches the command, which decides what becomes of it`, options, async () => {
    const trap = `trap 'echo got ${signal}; exit 42' ${number}; echo ready; while :; do sleep 0.05; done`;
    const child = user!.start([process.execPath, 'dist/cli/main.js', 'run', 'sh', '-c', trap]);
    let stdout = '';
    child.stdout!.on('data', (part) => (stdout += part));
    await until(() => stdout.includes('ready'));
    child.kill(signal);
    const [status] = await once(child, 'close');
    assert.equal(status, 42);
    assert.equal(stdout, `ready\ngot ${signal}\n`);
  });
}

test('a signal that ends the command ends the run with 128 and its number', options, async () => {
  const child = user!.start([
    process.execPath,
    'dist/cli/main.js',
    'run',
    'sh',
    '-c',
    'echo ready; exec sleep 60',
  ]);
  await once(child.stdout!, 'data');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'close'), [143, null]);
});

for (const ms of [0, 40, 80, 120, 160, 240]) {
  test(`SIGTERM ${ms} ms after the start leaves no process`, options, async () => {
    const mark = `61.${process.pid}${ms}`;
    const child = user!.start([process.execPath, 'dist/cli/main.js', 'run', 'sleep', mark]);
    await new Promise((resolve) => setTimeout(resolve, ms));
    child.kill('SIGTERM');
    const [status, signal] = (await once(child, 'close')) as [number | null, string | null];
    assert.ok(status === 143 || signal === 'SIGTERM', `${status} ${signal}`);
    await until(() => processesWith(mark).length === 0);
  });
}

test('when the run is killed its command is killed', options, async () => {
  const mark = `62.${process.pid}`;
  const child = user!.start([process.execPath, 'dist/cli/main.js', 'run', 'sleep', mark]);
  await until(() => processesWith('sleep', mark).length === 1);
  child.kill('SIGKILL');
  await until(() => processesWith(mark).length === 0);
});

/** Processes whose command line ends like this. */
function processesWith(...words: readonly string[]): string[] {
  return readdir('/proc').filter((id) => {
    if (!/^\d+$/.test(id)) return false;
    return commandLine(id).endsWith(words.join('\0'));
  });
}

test('a policy allows, drops and delays, and says how much', options, async () => {
  const script = 'ping -c 2 -i 0.2 10.7.0.2 && printf x >/dev/udp/10.7.0.2/9; sleep 0.1';
  const { status, stdout, report } = await run(
    '--policy',
    'examples/deny-udp.mjs',
    'bash',
    '-c',
    script,
  );
  assert.equal(status, 0);
  const fastest = Number(/time=([\d.]+) ms/.exec(stdout)![1]);
  assert.ok(fastest >= 40, `delayed both ways, took ${fastest} ms`);
  const { policy } = report;
  assert.ok(policy !== undefined && policy.dropped === 1, JSON.stringify(policy));
  assert.equal(policy.delayed, policy.passedOut + policy.passedIn);
  assert.equal(report.adapter.out.unicastPackets, policy.passedOut + policy.dropped);
});

test('a policy that throws costs its flow alone', options, async () => {
  const file = join(user!.home, 'throws.mjs');
  writeFileSync(
    file,
    "export function flow(flow) { if (flow.version === 6) throw new Error('no six'); return 'allow'; }",
  );
  const script = 'ping -c 1 -W 1 fd07::2; ping -c 1 10.7.0.2';
  const { status, report } = await run('--policy', file, 'sh', '-c', script);
  assert.equal(status, 0);
  assert.equal(report.policy!.policyErrors, 1);
  assert.equal(report.policy!.lastError, 'no six');
});

test('a capture holds what the command sent and got', options, async () => {
  const file = join(user!.home, 'ping.pcapng');
  const { report } = await run('--pcap', file, 'ping', '-c', '2', '-i', '0.2', '10.7.0.2');
  assert.equal(report.pcap!.packets, 8);
  assert.equal(report.pcap!.dropped, 0);
  assert.ok(readFileSync(file).length > 8 * 84);
});

test(
  'a capture that cannot be written is named, and the command is not tried',
  options,
  async () => {
    const { status, stderr, stdout } = await user!.typetun(
      'run',
      '--pcap',
      '/no/such/x',
      'echo',
      'hi',
    );
    assert.deepEqual([status, stdout], [125, '']);
    assert.match(stderr, /\/no\/such\/x cannot be written: ENOENT/);
  },
);

test('the host answers pings, echoes UDP, and knows the names it was given', options, async () => {
  const names = ['--name', 'printer.lan=10.7.0.9', '--name', 'printer.lan=fd07::9'];
  const lookup = `
    const { promises: dns } = require('node:dns');
    const socket = require('node:dgram').createSocket('udp4');
    socket.on('message', async (data) => {
      const missing = await dns.resolve4('other.lan').catch((error) => error.code);
      console.log(JSON.stringify([String(data), await dns.resolve4('Printer.lan'), await dns.resolve6('printer.lan'), missing]));
      socket.close();
    });
    socket.send('hello', 7, '10.7.0.2');`;
  const { status, stdout, stderr } = await run(
    '--to',
    'host',
    ...names,
    process.execPath,
    '-e',
    lookup,
  );
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), ['hello', ['10.7.0.9'], ['fd07::9'], 'ENOTFOUND']);
});

test('the far side can be an interface of this user', { skip: skip || rootSkip() }, async () => {
  await withNetns(async (netns) => {
    await ip('-n', netns, 'tuntap', 'add', 'far0', 'mode', 'tun', 'user', '65534');
    await ip('-n', netns, 'addr', 'add', '10.7.0.2/24', 'dev', 'far0');
    await ip('-n', netns, 'link', 'set', 'far0', 'up');
    const typetun = [
      process.execPath,
      'dist/cli/main.js',
      'run',
      '--json',
      '--to',
      'adapter',
      'far0',
    ];
    const ping = ['ping', '-c', '2', '-i', '0.2', '10.7.0.2'];
    const { status, stdout, stderr } = await user!.run([...typetun, '--', ...ping], { netns });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /2 received/);
    const report = JSON.parse(stderr.trimEnd().split('\n').at(-1)!) as RunReport;
    assert.equal(report.to, 'the interface far0');
    assert.equal(report.adapter.out.unicastPackets, 2);
    assert.match(await ip('-n', netns, 'link'), /far0/, 'persistent');
  });
});

test('--dns is what the command finds in its resolv.conf, and nobody else', options, async () => {
  const before = readFileSync('/etc/resolv.conf', 'utf8');
  const { stdout } = await run(
    '--dns',
    '10.7.0.53',
    '--dns',
    'fd07::53',
    'cat',
    '/etc/resolv.conf',
  );
  assert.equal(stdout, 'nameserver 10.7.0.53\nnameserver fd07::53\n');
  assert.equal(readFileSync('/etc/resolv.conf', 'utf8'), before);
  assert.deepEqual(
    readdir('/tmp').filter((name) => name.startsWith('typetun-run-')),
    [],
  );
});

test('addresses and MTU are as asked', options, async () => {
  const words = ['--address', '10.99.0.1/30', '--mtu', '1300', '--to', 'host'];
  const { status, stdout } = await run(
    ...words,
    'sh',
    '-c',
    'cat /proc/net/fib_trie; ping -c 1 -M do -s 1272 10.99.0.2; ping -c 1 -M do -s 1273 10.99.0.2',
  );
  assert.equal(status, 1);
  assert.match(stdout, /10\.99\.0\.1/);
  assert.match(stdout, /1 packets transmitted, 1 received/);
});

test('namespaces that a limit refuses are told with the remedy', options, async () => {
  // The limit of a user namespace holds for those inside it, and its root may set it.
  const inside = `echo 0 > /proc/sys/user/max_user_namespaces && exec ${process.execPath} dist/cli/main.js run --rung rootless true`;
  const { status, stderr } = await user!.run(['unshare', '-U', '-r', 'sh', '-c', inside]);
  assert.equal(status, 125);
  assert.match(
    stderr,
    /No space left on device"; user namespaces are switched off \(sysctl user\.max_user_namespaces=/,
  );
});

test('without unshare(1) the remedy is to install it', options, async () => {
  const { status, stderr } = await user!.run([
    'env',
    'PATH=/no/such',
    process.execPath,
    'dist/cli/main.js',
    'run',
    '/bin/true',
  ]);
  assert.equal(status, 125);
  assert.match(stderr, /"unshare" does not start \(.*ENOENT\); install util-linux/);
});

function readdir(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : [];
}

function commandLine(id: string): string {
  try {
    return readFileSync(`/proc/${id}/cmdline`, 'latin1').replace(/\0$/, '');
  } catch {
    return '';
  }
}
