/** What only a process of its own can show: no privilege, no driver, exit in mid-traffic, workers. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { rootSkip, withNetns } from './support/netns.ts';

const run = promisify(execFile);
const options = { skip: rootSkip('ping') };
const ROOT = process.cwd();

/** Runs a module in a child process and returns what it printed. */
async function child(before: readonly string[], code: string): Promise<string> {
  const node = [process.execPath, '--input-type=module', '-e', code];
  const [command, ...rest] = [...before, ...node];
  const { stdout } = await run(command!, rest, { cwd: ROOT, timeout: 60_000 });
  return stdout;
}

const REFUSED = `
  import { Adapter } from 'typetun';
  try { await Adapter.create(); console.log('created'); }
  catch (error) { console.log(error.code + ' ' + error.message); }
`;

test('without privileges creation says what is missing and what to do', options, async () => {
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const printed = await child(nobody, REFUSED);
  assert.match(printed, /^ERR_TUN_NO_PRIVILEGE .*root/);
});

test('without /dev/net/tun creation says so', options, async () => {
  const hidden = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /dev/net && exec "$@"', 'sh'];
  assert.match(
    await child(hidden, REFUSED),
    /^ERR_TUN_NO_DRIVER \/dev\/net\/tun does not exist; .*modprobe tun/,
  );
});

test(
  'without CAP_NET_ADMIN, but with the device open to all, creation says so',
  options,
  async () => {
    const dropped = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
    assert.match(await child(dropped, REFUSED), /^ERR_TUN_NO_PRIVILEGE .*CAP_NET_ADMIN/);
  },
);

const TRAFFIC = `
  import { Adapter, swapAddresses } from 'typetun';
  import dgram from 'node:dgram';
  const adapter = await Adapter.create({ addresses: ['10.7.0.1/24'] });
  const device = adapter.openDevice();
  const socket = dgram.createSocket('udp4').bind(0, '10.7.0.1');
  await new Promise((resolve) => socket.once('listening', resolve));
  const flood = () => { for (let i = 0; i < 50; i++) socket.send('x', 9, '10.7.0.2'); setImmediate(flood); };
  flood();
  let passed;
  const firstBundle = new Promise((resolve) => { passed = resolve; });
  const reflect = async () => {
    for await (const bundle of device) {
      for (const packet of bundle) swapAddresses(packet, 0);
      await device.write(bundle);
      passed();
    }
  };
  void reflect();
`;

test('a process may exit in the middle of traffic, again and again', options, async () => {
  await withNetns(async (netns) => {
    const where = ['ip', 'netns', 'exec', netns];
    for (let i = 0; i < 15; i++) {
      const printed = await child(
        where,
        `${TRAFFIC} firstBundle.then(() => setTimeout(() => { console.log('traffic'); process.exit(0); }, ${i * 5}));`,
      );
      assert.equal(printed, 'traffic\n');
    }
  });
});

test('a process with an unreferenced device ends by itself', options, async () => {
  await withNetns(async (netns) => {
    const printed = await child(
      ['ip', 'netns', 'exec', netns],
      `import { Adapter } from 'typetun';
       const adapter = await Adapter.create({ addresses: ['10.7.0.1/24'] });
       adapter.openDevice().unref();
       console.log('end of script');`,
    );
    assert.equal(printed, 'end of script\n');
  });
});

test('an adapter works in a worker thread, where the poller thread watches', options, async () => {
  await withNetns(async (netns) => {
    const printed = await child(
      ['ip', 'netns', 'exec', netns],
      `import { Worker } from 'node:worker_threads';
       const code = ${JSON.stringify(`
         const { parentPort } = require('node:worker_threads');
         (async () => {
           const { Adapter, swapAddresses } = await import('typetun');
           const adapter = await Adapter.create({ addresses: ['10.7.0.1/24'] });
           const device = adapter.openDevice();
           parentPort.on('message', async () => { await adapter.close(); parentPort.close(); });
           parentPort.postMessage('ready');
           for await (const bundle of device) {
             for (const packet of bundle) swapAddresses(packet, 0);
             await device.write(bundle);
           }
         })();
       `)};
       const worker = new Worker(code, { eval: true, execArgv: [] });
       await new Promise((resolve) => worker.once('message', resolve));
       const { execFile } = await import('node:child_process');
       const ping = await new Promise((resolve) => execFile('ping', ['-c', '20', '-i', '0.1', '10.7.0.2'], (error, out) => resolve(out)));
       console.log(/20 received/.test(ping));
       worker.postMessage('end');
       await new Promise((resolve) => worker.once('exit', resolve));
       console.log('ended');`,
    );
    assert.equal(printed, 'true\nended\n');
  });
});

test('a blocked readSync wakes for a packet', options, async () => {
  await withNetns(async (netns) => {
    const printed = await child(
      ['ip', 'netns', 'exec', netns],
      `import { Adapter } from 'typetun';
       import { spawn } from 'node:child_process';
       const adapter = await Adapter.create({ addresses: ['10.7.0.1/24'] });
       const device = adapter.openDevice();
       spawn('ping', ['-c', '1', '-W', '1', '10.7.0.2'], { stdio: 'ignore' });
       const bundle = device.readSync(undefined, { timeoutMs: 5000 });
       console.log(bundle.count >= 1);
       await adapter.close();`,
    );
    assert.equal(printed, 'true\n');
  });
});

test(
  'workers that close at any moment of their start end nothing but themselves',
  options,
  async () => {
    await withNetns(async (netns) => {
      const printed = await child(
        ['ip', 'netns', 'exec', netns],
        `import { Worker } from 'node:worker_threads';
       import { Adapter } from 'typetun';
       const code = ${JSON.stringify(`
         const { workerData } = require('node:worker_threads');
         (async () => {
           const { Adapter } = await import('typetun');
           const adapter = await Adapter.attach(workerData.token);
           const device = adapter.openDevice();
           device.read().catch(() => undefined);
           await new Promise((resolve) => setTimeout(resolve, workerData.ms));
           if (workerData.close) await adapter.close();
           else device.unref();
         })();
       `)};
       const adapter = await Adapter.create({ addresses: ['10.7.0.1/24'] });
       for (let i = 0; i < 40; i++) {
         const { token, transfer } = adapter.share();
         const workerData = { token, ms: i * 1.5, close: i % 2 === 0 };
         const worker = new Worker(code, { eval: true, execArgv: [], workerData, transferList: [...transfer] });
         await new Promise((resolve) => worker.once('exit', resolve));
       }
       await adapter.close();
       console.log('survived');`,
      );
      assert.equal(printed, 'survived\n');
    });
  },
);
