/** Who may use the sockets of a host, and what may lie where they are to be. As root. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { TunErrorCode } from 'typetun';
import { Host } from 'typetun/service';
import { type Access, refusal } from '#dist/service/access.js';
import { rootSkip } from '../support/root.ts';
import { ROOT, scratch, serve } from './support/serve.ts';

const run = promisify(execFile);
const CLIENT = join(ROOT, 'examples', 'device-client.py');
const NOBODY = 65_534;
const MEMORY = { link: 'memory', addresses: ['10.7.0.1/24'] } as const;

/** Says hello from another process of that user, and resolves to what it is told. */
async function asUser(uid: number, gids: readonly number[], socket: string): Promise<string> {
  const groups = gids.length === 0 ? '--clear-groups' : `--groups=${gids.join(',')}`;
  const ids = [`--reuid=${uid}`, `--regid=${uid}`, groups];
  // The system's own Python: root's may be where others cannot reach it.
  const env = { ...process.env, PATH: `/usr/bin:/bin:${process.env['PATH']}` };
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const child = spawn('setpriv', [...ids, 'python3', CLIENT, socket], { env, stdio: [...stdio] });
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  child.stdout.on('data', (text) => {
    said += text;
    child.kill();
  });
  await once(child, 'close');
  return said;
}

describe('access', { skip: rootSkip('python3') }, () => {
  test('another user is refused with the reason, which the log has too', async () => {
    using folder = scratch();
    await using host = await serve(join(folder.path, 'run'));
    const { socket, luidIndex } = await host.control.call('adapter.create', {
      ...{ name: 'm0', ...MEMORY },
    });
    const told = await asUser(NOBODY, [], socket);
    assert.match(
      told,
      new RegExp(`^user 65534 may not use the device WINTUN${luidIndex} of "m0"; the user 0 `),
    );
    assert.match(host.log(), /warn: user 65534 may not use the device WINTUN\d+ of "m0".*pid=\d+/);
    assert.deepEqual((await host.control.call('debug')).refusals, { access: 1 });
    assert.equal(
      (await host.control.call('adapter.show', { adapter: 'm0' })).media,
      'Disconnected',
    );
  });

  test('another user is refused at the control socket with the reason', async () => {
    using folder = scratch();
    await using host = await serve(join(folder.path, 'run'));
    const code = `import { ControlClient } from 'typetun/service';
      const client = await ControlClient.connect({ runDirectory: ${JSON.stringify(host.runDirectory)} });
      await client.call('host.info').catch((error) => console.log(error.code, error.message));`;
    const ids = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    const node = [process.execPath, '--input-type=module', '--eval', code];
    const { stdout } = await run('setpriv', [...ids, ...node], { cwd: ROOT, timeout: 5000 });
    assert.match(stdout, /^ERR_TUN_NO_PRIVILEGE user 65534 may not use the control socket/);
  });

  test('users and groups that the configuration names may, and no longer when they are taken out', async () => {
    using folder = scratch();
    await using host = await serve(join(folder.path, 'run'));
    const access = { users: [1234], groups: [4321] };
    const { socket } = await host.control.call('adapter.create', { name: 'm0', ...MEMORY, access });
    assert.match(await asUser(1234, [], socket), /answering pings/);
    assert.match(await asUser(NOBODY, [4321], socket), /answering pings/);
    assert.match(await asUser(NOBODY, [], socket), /may not use/);
    await host.control.call('adapter.set', { adapter: 'm0', access: { users: ['daemon'] } });
    assert.match(await asUser(1234, [], socket), /may not use/);
    assert.match(await asUser(1, [], socket), /answering pings/);
    const wrong = host.control.call('adapter.set', {
      ...{ adapter: 'm0', access: { users: ['nobody-of-that-name'] } },
    });
    await assert.rejects(
      wrong,
      /there is no user "nobody-of-that-name" in \/etc\/passwd; give the/,
    );
  });

  test("a host of a normal user's own takes that user and root", async () => {
    using folder = scratch();
    const own = join(folder.path, 'own');
    mkdirSync(own, { mode: 0o700 });
    chownSync(own, NOBODY, NOBODY);
    const wrapper = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    await using host = await serve(join(own, 'run'), { wrapper });
    assert.equal(lstatSync(join(own, 'run')).mode & 0o777, 0o700);
    const { socket } = await host.control.call('adapter.create', { name: 'm0', ...MEMORY });
    assert.match(await asUser(NOBODY, [], socket), /answering pings/);
    assert.match(await asUser(0, [], socket), /answering pings/);
  });
});

test('a member of a group that may is known by its supplementary groups', () => {
  const access: Access = { users: new Set(), groups: new Set([7]), descriptor: false };
  // Not the user that runs the tests, who may.
  const uid = process.getuid!() + 1;
  const peer = { pid: 1, uid, gid: 1 };
  assert.equal(refusal({ ...peer, groups: [7] }, access, 'it'), undefined);
  assert.equal(refusal({ ...peer, gid: 7, groups: [] }, access, 'it'), undefined);
  const said = refusal({ ...peer, groups: [8] }, access, 'it');
  assert.equal(said?.includes(`user ${uid} may not use it`), true, said);
});

describe('what lies in the run directory', () => {
  const start = (runDirectory: string): Promise<Host> => Host.start({ runDirectory });
  const refused = (path: string, message: RegExp): Promise<void> =>
    assert.rejects(start(path), { code: TunErrorCode.CONFIG, message });

  test('a symbolic link in place of the folder is refused, and not followed', async () => {
    using folder = scratch();
    mkdirSync(join(folder.path, 'there'), { mode: 0o700 });
    symlinkSync(join(folder.path, 'there'), join(folder.path, 'run'));
    await refused(join(folder.path, 'run'), /is a symbolic link; give where it leads/);
    assert.ok(!existsSync(join(folder.path, 'there', 'control')));
  });

  test('a file in place of the folder is refused', async () => {
    using folder = scratch();
    writeFileSync(join(folder.path, 'run'), 'precious');
    await refused(join(folder.path, 'run'), /is no folder; choose another/);
    assert.equal(readFileSync(join(folder.path, 'run'), 'utf8'), 'precious');
  });

  test('a folder that others may write to is refused', async () => {
    using folder = scratch();
    mkdirSync(join(folder.path, 'run'));
    chmodSync(join(folder.path, 'run'), 0o777);
    await refused(join(folder.path, 'run'), /others may write to .*chmod go-w/);
  });

  test('a folder whose parent is not there is refused', async () => {
    using folder = scratch();
    await refused(join(folder.path, 'a', 'run'), /the folder above it is not there/);
  });

  for (const name of ['control', 'lock']) {
    test(`a symbolic link in place of "${name}" is refused, and not followed`, async () => {
      using folder = scratch();
      const path = join(folder.path, 'run');
      mkdirSync(path, { mode: 0o700 });
      writeFileSync(join(folder.path, 'precious'), 'precious');
      symlinkSync(join(folder.path, 'precious'), join(path, name));
      await refused(
        path,
        new RegExp(`${name} is (a symbolic link|no file of the host's).*remove it`),
      );
      assert.equal(readFileSync(join(folder.path, 'precious'), 'utf8'), 'precious');
      assert.ok(lstatSync(join(path, name)).isSymbolicLink());
    });
  }

  test('a file in place of a socket is refused, and left', async () => {
    using folder = scratch();
    const path = join(folder.path, 'run');
    mkdirSync(path, { mode: 0o700 });
    writeFileSync(join(path, 'control'), 'precious');
    await refused(path, /control is a file, where a socket of the host is to be; remove it/);
    assert.equal(readFileSync(join(path, 'control'), 'utf8'), 'precious');
  });

  test("another user's socket is refused, and left", { skip: rootSkip() }, async () => {
    using folder = scratch();
    const path = join(folder.path, 'run');
    mkdirSync(path, { mode: 0o700 });
    const server = createServer().listen(join(path, 'control'));
    await new Promise((resolve) => server.once('listening', resolve));
    chownSync(join(path, 'control'), NOBODY, NOBODY);
    await refused(path, /control is a socket of user 65534/);
    assert.ok(existsSync(join(path, 'control')));
    server.close();
  });

  test('a socket that somebody else listens at is refused, and left', async () => {
    using folder = scratch();
    const path = join(folder.path, 'run');
    mkdirSync(path, { mode: 0o700 });
    const server = createServer().listen(join(path, 'control'));
    await new Promise((resolve) => server.once('listening', resolve));
    await refused(path, /somebody listens at .*control who is no typetun host/);
    assert.ok(existsSync(join(path, 'control')));
    server.close();
  });

  test('a file in place of the socket of a device fails that adapter alone', async () => {
    using folder = scratch();
    await using host = await start(join(folder.path, 'run'));
    const made = await host.call('adapter.create', { name: 'm0', ...MEMORY });
    const next = join(host.runDirectory, `WINTUN${made.luidIndex + 1}`);
    writeFileSync(next, 'precious');
    await assert.rejects(host.call('adapter.create', { name: 'm1', ...MEMORY }), /is a file/);
    assert.equal(readFileSync(next, 'utf8'), 'precious');
    assert.equal((await host.call('adapter.list')).length, 1);
  });
});
