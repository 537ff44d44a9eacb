/** Forwards with blocking calls in two workers, one for each direction. */

import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Adapter, type AdapterToken } from 'typetun';
import { openBoth } from './adapters.ts';

if (isMainThread) {
  const [a, b] = await openBoth();
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const source = from.share();
    const target = to.share();
    const worker = new Worker(new URL(import.meta.url), {
      workerData: [source.token, target.token],
      transferList: [...source.transfer, ...target.transfer],
    });
    await once(worker, 'message');
  }
  console.log('ready');
} else {
  const [source, target] = workerData as [AdapterToken, AdapterToken];
  const from = (await Adapter.attach(source)).openDevice();
  const to = (await Adapter.attach(target)).openDevice();
  parentPort?.postMessage('ready');
  const buffer = from.createBuffer();
  for (;;) {
    const bundle = from.readSync(buffer, { timeoutMs: 1000 });
    if (bundle !== null) to.writeSync(bundle);
  }
}
