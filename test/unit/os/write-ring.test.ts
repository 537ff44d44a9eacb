/** Writing through an io_uring, and what is said where there is none. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { isTunError, TunErrorCode } from 'typetun';
import { Address, addressOf } from '#dist/os/address.js';
import { RING_WRITES, threadWriteRing } from '#dist/os/write-ring.js';

/** Runs `use` with a descriptor of a pipe for reading and writing. */
function withPipe(use: (fd: number) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-ring-'));
  try {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const fd = openSync(join(folder, 'pipe'), 'r+');
    use(fd);
    closeSync(fd);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Rings of this process. */
function rings(): number {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  const mapped = readFileSync('/proc/self/maps', 'latin1').split('\n');
  return [...links, ...mapped].filter((line) => line.includes('io_uring')).length;
}

/** Why there is no ring here: everywhere but on Linux 6.5 and later, or where it is forbidden. */
function refusal(): string | undefined {
  try {
    createRequire(import.meta.url)('koffi');
    threadWriteRing(true);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const reason = refusal();
const skip = reason ?? false;

test('whether there is a ring is said with its reason', (context) => {
  context.diagnostic(reason ?? 'io_uring works here');
  if (reason === undefined) {
    assert.equal(threadWriteRing(false), threadWriteRing(true), 'one for each thread');
    return;
  }
  assert.equal(threadWriteRing(false), undefined);
  assert.throws(
    () => threadWriteRing(true),
    (error) =>
      isTunError(error, TunErrorCode.UNSUPPORTED) || isTunError(error, TunErrorCode.NO_FFI),
  );
});

test('writes reach their descriptor in order, however many', { skip }, () => {
  const ring = threadWriteRing(true)!;
  withPipe((fd) => {
    const bytes = Uint8Array.from({ length: 4096 }, (_, i) => (i * 31) & 0xff);
    const address = new Address(addressOf(bytes));
    const got = Buffer.alloc(0x10000);
    for (let count = 1; count <= RING_WRITES; count++) {
      const sizes = Array.from({ length: count }, (_, i) => 1 + ((i * 7) % 50));
      for (const [i, size] of sizes.entries()) ring.put(fd, address, i * 60, size);
      ring.submit();
      assert.deepEqual([...ring.results.subarray(0, count)], sizes);
      const expected = sizes.map((size, i) => bytes.subarray(i * 60, i * 60 + size));
      const length = readSync(fd, got);
      assert.deepEqual(got.subarray(0, length), Buffer.concat(expected));
    }
  });
});

test('a write that fails says so, and the others go on', { skip }, () => {
  const ring = threadWriteRing(true)!;
  const fd = openSync('/dev/null', 'w');
  const full = openSync('/dev/full', 'w');
  const address = new Address(addressOf(new Uint8Array(64)));
  for (const target of [fd, 0x7fff_fff0, full, fd]) ring.put(target, address, 0, 64);
  ring.submit();
  const [EBADF, ENOSPC] = [-9, -28];
  assert.deepEqual([...ring.results.subarray(0, 4)], [64, EBADF, ENOSPC, 64]);
  // Nothing of it is left for the next submission.
  ring.put(fd, address, 0, 7);
  ring.submit();
  assert.equal(ring.results[0], 7);
  closeSync(fd);
  closeSync(full);
});

test('an address past a boundary of 4 GiB is right', { skip }, () => {
  const ring = threadWriteRing(true)!;
  withPipe((fd) => {
    const bytes = Uint8Array.from({ length: 4096 }, (_, i) => (i * 13) & 0xff);
    const base = addressOf(bytes);
    for (const back of [0, 16, (base % 2 ** 32) + 1]) {
      ring.put(fd, new Address(base - back), back + 100, 900);
      ring.submit();
      assert.equal(ring.results[0], 900, `${back} bytes before`);
      const got = Buffer.alloc(900);
      readSync(fd, got);
      assert.deepEqual(got, Buffer.from(bytes.subarray(100, 1000)));
    }
  });
});

test('a ring ends with its thread, also when that is terminated', { skip }, async () => {
  const before = rings();
  for (let i = 0; i < 20; i++) {
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       import(workerData).then(({ threadWriteRing }) => {
         threadWriteRing(true);
         parentPort.postMessage('open');
         setInterval(() => undefined, 1000);
       });`,
      { eval: true, workerData: import.meta.resolve('#dist/os/write-ring.js') },
    );
    await new Promise((resolve) => worker.once('message', resolve));
    assert.ok(rings() > before);
    await worker.terminate();
  }
  assert.equal(rings(), before);
});
