/** Which thread is meant by a number that the system gives out again. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { currentThread, isThreadAlive } from '#dist/os/threads.js';

const own = currentThread();
const skip = own.thread === 0 ? 'the system does not say which thread this is' : false;

test('a thread is known by its number and the moment it was started', { skip }, () => {
  assert.ok(isThreadAlive(own));
  assert.equal(isThreadAlive({ ...own, born: own.born + 1 }), false, 'its number was used again');
  assert.equal(isThreadAlive({ ...own, thread: 2 ** 30 }), false);
  assert.ok(isThreadAlive({ thread: 0, born: 0 }), 'of which nothing can be told');
});

test('a thread that was terminated is not alive', { skip }, async () => {
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import(workerData).then(({ currentThread }) => {
       parentPort.postMessage(currentThread());
       setInterval(() => undefined, 1000);
     });`,
    { eval: true, workerData: import.meta.resolve('#dist/os/threads.js') },
  );
  const other = await new Promise<typeof own>((resolve) => worker.once('message', resolve));
  assert.notEqual(other.thread, own.thread);
  assert.ok(isThreadAlive(other));
  await worker.terminate();
  assert.equal(isThreadAlive(other), false);
});
