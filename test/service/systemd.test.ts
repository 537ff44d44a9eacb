/** What a service manager gives and takes, and the units for it. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ControlClient } from 'typetun/service';
import { listenUnix } from '#dist/os/unix-socket.js';
import { rootSkip, withNetns } from '../kernel/support/netns.ts';
import { toolSkip } from '../support/root.ts';
import { ROOT, scratch, serve } from './support/serve.ts';

const run = promisify(execFile);
const MAIN = join(ROOT, 'dist', 'cli', 'main.js');
/** Exposure as systemd counts it, times ten: what docs/serve.md says, and a little. */
const MOST_EXPOSED = 25;

/** A socket as systemd has for notifications, and what comes to it. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("ready", flush=True)
while True:
    print(repr(s.recv(4096).decode()), flush=True)
`;

for (const kind of ['a path', 'an abstract name'] as const) {
  test(`the host says when it is ready and when it stops, to ${kind}`, {
    skip: toolSkip('python3'),
  }, async () => {
    using folder = scratch();
    const name = kind === 'a path' ? join(folder.path, 'notify') : `typetun-test-${process.pid}`;
    const bound = kind === 'a path' ? name : `\0${name}`;
    const receiver: ChildProcess = spawn('python3', [
      ...['-c', RECEIVER.replace('sys.argv[1]', JSON.stringify(bound))],
    ]);
    const lines = createInterface({ input: receiver.stdout! })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await lines.next()).value);
    try {
      assert.equal(await next(), 'ready');
      const environment = { NOTIFY_SOCKET: kind === 'a path' ? name : `@${name}` };
      const runDirectory = join(folder.path, 'run');
      await using host = await serve(runDirectory, { environment });
      assert.equal(await next(), `'READY=1\\nSTATUS=0 adapters at ${runDirectory}'`);
      assert.equal(await host.stop(), 0);
      assert.equal(await next(), "'STOPPING=1'");
    } finally {
      receiver.kill();
      await once(receiver, 'close');
    }
  });
}

test('the host takes the control socket that the service manager has made, and leaves it', async () => {
  using folder = scratch();
  const runDirectory = join(folder.path, 'run');
  const path = join(folder.path, 'control');
  const fd = listenUnix(path, { mode: 0o666 });
  // Whoever connects before the host is there waits for it.
  const early = ControlClient.connect({ runDirectory: folder.path });
  const variables = 'LISTEN_FDS=1 LISTEN_FDNAMES=control LISTEN_PID=$$ exec "$@"';
  const node = [process.execPath, MAIN, 'serve', '--run-directory', runDirectory];
  const child = spawn('sh', ['-c', variables, 'sh', ...node], {
    stdio: ['ignore', 'ignore', 'inherit', fd],
  });
  closeSync(fd);
  try {
    await using control = await early;
    assert.equal((await control.call('host.info')).pid, child.pid);
    child.kill();
    const [status] = (await once(child, 'close')) as [number];
    assert.equal(status, 0);
    assert.ok(existsSync(path));
    assert.ok(!existsSync(join(runDirectory, 'control')));
  } finally {
    child.kill('SIGKILL');
  }
});

test('the host needs CAP_NET_ADMIN and no other capability', { skip: rootSkip() }, async () => {
  using folder = scratch();
  await withNetns(async (netns) => {
    const bounded = ['setpriv', '--bounding-set=-all,+net_admin', '--no-new-privs'];
    const wrapper = ['ip', 'netns', 'exec', netns, ...bounded];
    await using host = await serve(join(folder.path, 'run'), { wrapper });
    const status = readFileSync(`/proc/${host.process.pid}/status`, 'utf8');
    assert.match(status, /^CapEff:\s*0000000000001000$/m);
    await host.control.call('adapter.create', {
      ...{ name: 'cap0', addresses: ['10.7.0.1/24', 'fd07::1/64'], routes: ['10.8.0.0/16'] },
      persist: true,
    });
    await host.control.call('adapter.remove', { adapter: 'cap0' });
  });
});

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0;

test('the unit is as narrow as the documentation says', {
  skip: analyze ? false : 'needs the command "systemd-analyze" (package systemd)',
}, async () => {
  const unit = join(ROOT, 'systemd', 'typetun.service');
  const args = ['security', '--offline=yes', '--no-pager', `--threshold=${MOST_EXPOSED}`, unit];
  const { stdout } = await run('systemd-analyze', args, { env: { ...process.env, LC_ALL: 'C' } });
  assert.match(stdout, /Overall exposure level for typetun\.service: 2\.2 OK/);
  assert.match(readFileSync('docs/serve.md', 'utf8'), /says 2\.2, "OK"/);
});
