/** A worker thread reads and writes the adapter that the main thread controls: npm run example -- workers */

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Adapter, type AdapterToken, swapAddresses } from 'typetun';
import { MemoryHost } from 'typetun/testing';

if (isMainThread) {
  const host = new MemoryHost();
  await using adapter = await Adapter.create({
    addresses: ['10.7.0.1/24'],
    link: host.provider(), // leave it out for the kernel, as root
  });
  const { token, transfer } = adapter.share();
  const worker = new Worker(new URL(import.meta.url), {
    workerData: token,
    transferList: [...transfer],
  });
  await new Promise((resolve) => worker.once('message', resolve));
  for (let i = 0; i < 3; i++) {
    // The worker sends each request back to where it came from; the host answers it, by the worker.
    const { received } = await host.ping('10.7.0.2', { timeoutMs: 1000 });
    console.log(`ping ${i + 1}: ${received ? 'answered' : 'lost'}`);
  }
  await adapter.pause(); // no packet passes in any thread now
  console.log(`${adapter.statistics.bundles.packetsRead} packets read, ${adapter.state}`);
  await worker.terminate(); // its handle is closed, and nothing it held stays locked
} else {
  const adapter = await Adapter.attach(workerData as AdapterToken);
  const device = adapter.openDevice();
  const buffer = new Uint8Array(device.bundleBytes);
  parentPort!.postMessage('ready');
  for (;;) {
    const bundle = device.readSync(buffer, { timeoutMs: Number.POSITIVE_INFINITY });
    if (bundle === null) continue;
    for (const packet of bundle) swapAddresses(packet, 0);
    device.writeSync(bundle);
  }
}
