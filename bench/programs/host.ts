/**
 * Forwards between the devices of a host (`typetun serve`, a process of its own), on an event loop:
 * `host.js NETNS-A NETNS-B OFFLOAD socket|descriptor`. The host makes the adapters; packets go through its sockets, or
 * through descriptors that it lends.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Adapter, type Offload } from 'typetun';
import { ControlClient, HostDescriptor, HostDevice } from 'typetun/service';
import { forward, Inspector } from './forward.ts';

const [, , netnsA = '', netnsB = '', offload = 'split', way = 'socket'] = process.argv;
const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const START_MS = 10_000;
const RETRY_MS = 20;
/** Writes on their way at once, so that neither process waits for the other at every bundle. */
const WRITES_AHEAD = 4;

const folder = mkdtempSync(join(tmpdir(), 'typetun-bench-'));
const runDirectory = join(folder, 'run');
// It ends with this process, however that ends: it reads a pipe of ours to its end.
const watched = `${JSON.stringify(process.execPath)} ${JSON.stringify(MAIN)} serve --run-directory ${JSON.stringify(runDirectory)} & host=$!; cat; kill $host; wait $host; rm -rf ${JSON.stringify(folder)}`;
const host = spawn('sh', ['-c', watched], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
host.unref();

async function connect(): Promise<ControlClient> {
  for (const deadline = performance.now() + START_MS; ; await sleep(RETRY_MS)) {
    try {
      return await ControlClient.connect({ runDirectory });
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}

const control = await connect();
const access = { descriptor: way === 'descriptor' };
const create = async (name: string, netns: string, ...addresses: readonly string[]) => {
  const config = { name, netns, addresses, access, offload: offload as Offload };
  return (await control.call('adapter.create', config)).socket;
};
const sockets = [
  await create('bencha0', netnsA, '10.60.0.1/24', 'fd60::1/64'),
  await create('benchb0', netnsB, '10.60.0.2/24', 'fd60::2/64'),
] as const;

async function relay(from: HostDevice, to: HostDevice): Promise<void> {
  const ahead: Promise<number>[] = [];
  for await (const bundle of from) {
    ahead.push(to.write(bundle));
    if (ahead.length >= WRITES_AHEAD) await ahead.shift();
  }
}

if (way === 'descriptor') {
  const open = async (socket: string) => {
    const lent = await HostDescriptor.open(socket);
    return (await Adapter.fromFd(lent.fd, { offload: offload as Offload })).openDevice();
  };
  const [a, b] = [await open(sockets[0]), await open(sockets[1])];
  const inspector = new Inspector(offload === 'carry');
  void forward(a, b, inspector);
  void forward(b, a, inspector);
} else {
  const [a, b] = [await HostDevice.open(sockets[0]), await HostDevice.open(sockets[1])];
  void relay(a, b);
  void relay(b, a);
}
console.log('ready');
