/** Where a host has its sockets, by system; and an interface that others remove. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { TunErrorCode } from 'typetun';
import { type ControlEvent, HostDevice } from 'typetun/service';
import { listenAtPipe } from '#dist/service/listener.js';
import { formatLine, HostLog } from '#dist/service/log.js';
import { defaultRunDirectory, knownRunDirectories } from '#dist/service/run-directory.js';
import { openStage } from '#dist/service/stage.js';
import { ip, rootSkip, withNetns } from '../kernel/support/netns.ts';
import { until } from '../support/until.ts';
import { RawClient } from './support/raw.ts';
import { scratch, serve } from './support/serve.ts';

test('the run directory is what systemd says, else that of root or of the user', () => {
  assert.equal(defaultRunDirectory({ RUNTIME_DIRECTORY: '/run/a:/run/b' }, 7), '/run/a');
  assert.equal(defaultRunDirectory({ XDG_RUNTIME_DIR: '/run/user/0' }, 0), '/run/typetun');
  assert.equal(defaultRunDirectory({ XDG_RUNTIME_DIR: '/run/user/7' }, 7), '/run/user/7/typetun');
  assert.throws(() => defaultRunDirectory({}, 7), { code: TunErrorCode.CONFIG });
  assert.deepEqual(knownRunDirectories({ XDG_RUNTIME_DIR: '/run/user/7' }), [
    ...['/run/user/7/typetun', '/run/typetun'],
  ]);
});

test('on Windows a host serves nobody unless it is told that anybody may come', () => {
  assert.throws(() => openStage('', {}, 'windows'), {
    code: TunErrorCode.UNSUPPORTED,
    message: /"unverifiedPeers": true/,
  });
  const pipes = openStage('', { unverifiedPeers: true }, 'windows');
  assert.equal(pipes.pathOf('WINTUN7'), '\\\\.\\pipe\\typetun\\WINTUN7');
});

test('where there is no way to ask for a peer there is no host', () => {
  assert.throws(() => openStage('/nowhere', {}, 'macos'), { code: TunErrorCode.UNSUPPORTED });
});

test('a pipe brings what arrives, and stops when no more is taken', async () => {
  using folder = scratch();
  let taken = '';
  const listener = await listenAtPipe(join(folder.path, 'pipe'), ({ peer, socket }) => {
    assert.equal(peer, undefined);
    socket.write('hello\n');
    return (chunk) => {
      taken += String(Buffer.from(chunk));
      return false;
    };
  });
  using client = new RawClient(join(folder.path, 'pipe')).lines();
  assert.equal(await client.line(), 'hello');
  client.socket.write('a');
  await until(() => taken === 'a');
  client.close();
  await listener.close();
});

test('an adapter whose interface others remove is gone, and its clients hear why', {
  skip: rootSkip(),
}, async () => {
  using folder = scratch();
  await withNetns(async (netns) => {
    await using host = await serve(join(folder.path, 'run'));
    const made = await host.control.call('adapter.create', { name: 'rm0', netns });
    const events: ControlEvent[] = [];
    await host.control.subscribe((event) => events.push(event));
    await using device = await HostDevice.open(made.socket);
    const read = assert.rejects(device.read(), { code: TunErrorCode.ADAPTER_REMOVED });
    await ip('-n', netns, 'link', 'delete', 'rm0');
    await read;
    await until(() => events.some(({ event }) => event === 'adapter.removed'));
    assert.deepEqual(await host.control.call('adapter.list'), []);
    await host.control.call('adapter.create', { name: 'rm0', netns });
  });
});

test('interfaces of the same index, in two namespaces, have devices of their own', {
  skip: rootSkip(),
}, async () => {
  using folder = scratch();
  await withNetns((a) =>
    withNetns(async (b) => {
      await using host = await serve(join(folder.path, 'run'));
      const one = await host.control.call('adapter.create', { name: 'one0', netns: a });
      const two = await host.control.call('adapter.create', { name: 'two0', netns: b });
      assert.notEqual(one.socket, two.socket);
      await using device = await HostDevice.open(`WINTUN${two.luidIndex}`, {
        runDirectory: host.runDirectory,
      });
      assert.equal(device.welcome.adapter, 'two0');
      const found = await host.control.call('adapter.show', { adapter: two.device });
      assert.equal(found.name, 'two0');
    }),
  );
});

test('what others can make happen at will is said once a second, and other things each time', () => {
  const said: string[] = [];
  const log = new HostLog((_level, message) => said.push(message));
  for (let i = 0; i < 5; i++) {
    log.warnSparingly('user 7 may not');
    log.warn('twice');
  }
  log.warnSparingly('user 8 may not');
  assert.deepEqual(said.sort(), [...Array(5).fill('twice'), 'user 7 may not', 'user 8 may not']);
  const forged = formatLine('info', 'client', { name: 'a\nerror: b', uid: undefined });
  assert.equal(forged, 'info: client (name=a\\nerror: b)');
});
