/** A worker thread of a group (group.ts): attaches to the adapters, and hands each bundle to its handler. */

import { parentPort, workerData } from 'node:worker_threads';
import { Adapter } from '../adapter/adapter.ts';
import type { Device } from '../adapter/device.ts';
import { isClosedError } from '../adapter/streams.ts';
import type { ThreadData } from './group.ts';
import { type BundleHandler, forwardBundles, type WorkerMain } from './handler.ts';

const { tokens, module, index, workers, data } = workerData as ThreadData;

async function mainOf(url: string | undefined): Promise<WorkerMain> {
  if (url === undefined) return forwardBundles;
  const { main } = (await import(url)) as { readonly main?: unknown };
  if (typeof main === 'function') return main as WorkerMain;
  throw new TypeError(
    `${url} exports no function named main; export function main(context) { return (bundle, from) => { ... }; }`,
  );
}

/** Told to end: no thread reads after that, and what was read is handled first. */
let ending = false;
/** Bundles in the handler. */
let busy = 0;

function leave(): void {
  if (!ending || busy > 0) return;
  // A read that has its bundle already comes to the handler before that.
  setImmediate(() => {
    if (busy === 0) for (const adapter of adapters) void adapter.close();
  });
}

function end(): void {
  ending = true;
  leave();
}

/** Reads and handles until the group ends, or one of the adapters is closed. */
async function serve(device: Device, from: number, handle: BundleHandler): Promise<void> {
  const buffer = device.createBuffer();
  try {
    while (!ending) {
      const bundle = await device.read(buffer);
      busy++;
      try {
        const handled = handle(bundle, from);
        if (handled !== undefined) await handled;
      } finally {
        busy--;
        leave();
      }
    }
  } catch (error) {
    if (!isClosedError(error)) throw error;
    end();
  }
}

const main = await mainOf(module);
const adapters: Adapter[] = [];
for (const token of tokens) adapters.push(await Adapter.attach(token));
// Only now, all at once: from its first handle on a thread gets packets.
const devices = adapters.map((adapter) => adapter.openDevice());
const handle = await main({ devices, index, workers, data });
if (typeof handle !== 'function') {
  throw new TypeError(
    `main() of ${module} returned ${typeof handle}; return a function of bundles`,
  );
}
parentPort!.once('message', end);
parentPort!.unref();
parentPort!.postMessage('ready');
await Promise.all(devices.map((device, from) => serve(device, from, handle)));
