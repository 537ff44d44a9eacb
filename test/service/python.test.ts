/** The device over its socket, from a language that is not ours, with the real kernel's ping. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { rootSkip, withNetns } from '../kernel/support/netns.ts';
import { ROOT, scratch, serve } from './support/serve.ts';

const run = promisify(execFile);
const CLIENT = join(ROOT, 'examples', 'device-client.py');

test('a Python program answers pings through the device of a host', {
  skip: rootSkip('ping', 'python3'),
}, async () => {
  using folder = scratch();
  await withNetns(async (netns) => {
    await using host = await serve(join(folder.path, 'run'));
    const adapter = await host.control.call('adapter.create', {
      ...{ name: 'py0', addresses: ['10.7.0.1/24'], netns },
    });
    const client = spawn('python3', [CLIENT, adapter.socket], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [said] = (await once(client.stdout, 'data')) as [Buffer];
      assert.match(String(said), new RegExp(`answering pings at WINTUN${adapter.luidIndex}`));
      const { stdout } = await run('ip', [
        ...['netns', 'exec', netns, 'ping', '-c', '5', '-i', '0.05', '-W', '2', '10.7.0.2'],
      ]);
      assert.match(stdout, / 5 received/);
      const [counted] = await host.control.call('statistics', { adapter: 'py0' });
      assert.equal(counted!.statistics.bundles.packetsWritten, 5);
      const [shown] = (await host.control.call('adapter.show', { adapter: 'py0' })).clients;
      assert.deepEqual([shown!.name, shown!.pid], ['device-client.py', client.pid]);
    } finally {
      client.kill();
      await once(client, 'close');
    }
  });
});
