/** Writing through an io_uring, and what is said where there is none. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
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
import type { Libc } from '#dist/os/libc.js';
import { RING_WRITES, threadWriteRing, type WriteRing } from '#dist/os/write-ring.js';
import { withLibc } from '../../support/scripted-libc.ts';

/** Runs `use` with a descriptor of a pipe for reading and writing. */
function withPipe(use: (fd: number) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-ring-'));
  try {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const fd = openSync(join(folder, 'pipe'), 'r+');
    try {
      use(fd);
    } finally {
      closeSync(fd);
    }
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
      ring.begin();
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
  ring.begin();
  for (const target of [fd, 0x7fff_fff0, full, fd]) ring.put(target, address, 0, 64);
  ring.submit();
  const [EBADF, ENOSPC] = [-9, -28];
  assert.deepEqual([...ring.results.subarray(0, 4)], [64, EBADF, ENOSPC, 64]);
  // Nothing of it is left for the next submission.
  ring.begin();
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
      ring.begin();
      ring.put(fd, new Address(base - back), back + 100, 900);
      ring.submit();
      assert.equal(ring.results[0], 900, `${back} bytes before`);
      const got = Buffer.alloc(900);
      readSync(fd, got);
      assert.deepEqual(got, Buffer.from(bytes.subarray(100, 1000)));
    }
  });
});

const EINTR = 4;
const EBADF = 9;
const ENOMEM = 12;
const BYTES = Uint8Array.from({ length: 256 }, (_, i) => i);

/** Adds writes of the bytes `from` to `to`, of one byte each. */
function putBytes(ring: WriteRing, fd: number, from: number, to: number): void {
  const address = new Address(addressOf(BYTES));
  for (let i = from; i < to; i++) ring.put(fd, address, i, 1);
}

/** What is in the pipe; throws when that is nothing. */
function content(fd: number): number[] {
  const own = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const got = Buffer.alloc(0x10000);
    return [...got.subarray(0, readSync(own, got))];
  } finally {
    closeSync(own);
  }
}

/** A kernel that answers as `answers` say, one after the other, and then as the real one. */
type Answer = (enter: Libc['ioUringEnter'], ...call: Parameters<Libc['ioUringEnter']>) => number;

function withAnswers(answers: readonly Answer[], use: () => void): number {
  let errno: number | undefined;
  let calls = 0;
  withLibc({}, (real) =>
    withLibc(
      {
        ioUringEnter: (...call) => {
          const answer = answers[calls++];
          errno = undefined;
          const got =
            answer === undefined ? real.ioUringEnter(...call) : answer(real.ioUringEnter, ...call);
          if (got >= 0 || answer === undefined) return got;
          errno = -got;
          return -1;
        },
        errno: () => errno ?? real.errno(),
      },
      use,
    ),
  );
  return calls;
}

const fails =
  (errno: number): Answer =>
  () =>
    -errno;
/** Begins `writes` of those it is asked to. */
const begins =
  (writes: number): Answer =>
  (enter, fd, _submit, _complete, flags) =>
    enter(fd, writes, writes, flags);

test('what the kernel takes in parts is written once, in order', { skip }, () => {
  const ring = threadWriteRing(true)!;
  withPipe((fd) => {
    ring.begin();
    putBytes(ring, fd, 0, 10);
    const calls = withAnswers([begins(3), begins(1)], () => ring.submit());
    assert.equal(calls, 3);
    assert.deepEqual([...ring.results.subarray(0, 10)], new Array(10).fill(1));
    assert.deepEqual(content(fd), [...BYTES.subarray(0, 10)]);
  });
});

test('an interrupted call is made again, before and after writes were begun', { skip }, () => {
  const ring = threadWriteRing(true)!;
  withPipe((fd) => {
    ring.begin();
    putBytes(ring, fd, 0, 5);
    withAnswers([fails(EINTR), fails(EINTR), begins(2), fails(EINTR)], () => ring.submit());
    assert.deepEqual([...ring.results.subarray(0, 5)], new Array(5).fill(1));
    assert.deepEqual(content(fd), [0, 1, 2, 3, 4]);
  });
});

test('what the kernel has no memory for is not written, says so, and does not come later', {
  skip,
}, () => {
  const ring = threadWriteRing(true)!;
  withPipe((fd) => {
    ring.results.fill(7);
    ring.begin();
    putBytes(ring, fd, 0, 6);
    withAnswers([begins(2), fails(ENOMEM)], () => ring.submit());
    assert.deepEqual([...ring.results.subarray(0, 7)], [1, 1, -12, -12, -12, -12, 7]);
    assert.deepEqual(content(fd), [0, 1]);
    ring.begin();
    putBytes(ring, fd, 20, 23);
    ring.submit();
    assert.deepEqual([...ring.results.subarray(0, 3)], [1, 1, 1]);
    assert.deepEqual(content(fd), [20, 21, 22]);
  });
});

test('none is taken: all fail with the reason, and the call ends', { skip }, () => {
  const ring = threadWriteRing(true)!;
  withPipe((fd) => {
    ring.begin();
    putBytes(ring, fd, 0, 4);
    assert.equal(
      withAnswers([fails(ENOMEM)], () => ring.submit()),
      1,
    );
    assert.deepEqual([...ring.results.subarray(0, 4)], [-12, -12, -12, -12]);
    ring.begin();
    putBytes(ring, fd, 30, 31);
    ring.submit();
    assert.deepEqual(content(fd), [30]);
  });
});

test('it does not return while a write is under way, whatever the kernel says', { skip }, () => {
  const ring = threadWriteRing(true)!;
  withPipe((fd) => {
    const rest = new Uint8Array(0x1_0000 - 1);
    ring.begin();
    // The last of these finds the pipe full and has to wait for the reader.
    ring.put(fd, new Address(addressOf(rest)), 0, rest.length);
    putBytes(ring, fd, 1, 3);
    const read: number[] = [];
    const empty: Answer = () => {
      read.push(...content(fd));
      return -EBADF;
    };
    const begin: Answer = (enter, ...[ringFd, submit]) => enter(ringFd, submit, 0, 0);
    const lost = [fails(EBADF), fails(EBADF), fails(EBADF)];
    withAnswers([begin, ...lost, empty, ...new Array(5000).fill(lost[0])], () => ring.submit());
    assert.deepEqual([...ring.results.subarray(0, 3)], [rest.length, 1, 1]);
    const behind = [...read, ...content(fd)].slice(rest.length);
    assert.deepEqual(
      behind.toSorted((a, b) => a - b),
      [1, 2],
      'in any order, as they had to wait',
    );
  });
});

test('a batch that was thrown out of, wherever, leaves nothing for the next', { skip }, () => {
  const ring = threadWriteRing(true)!;
  const overflow: Answer = () => {
    throw new RangeError('Maximum call stack size exceeded');
  };
  const overflowBehind: Answer = (enter, fd, submit) => {
    enter(fd, submit, 0, 0);
    throw new RangeError('Maximum call stack size exceeded');
  };
  withPipe((fd) => {
    const next = (from: number, expected: readonly number[]): void => {
      ring.begin();
      putBytes(ring, fd, from, from + 2);
      ring.submit();
      assert.deepEqual([...ring.results.subarray(0, 2)], [1, 1]);
      assert.deepEqual(content(fd), expected);
    };
    ring.begin();
    putBytes(ring, fd, 0, 3);
    next(40, [40, 41]);
    putBytes(ring, fd, 0, 3);
    withAnswers([overflow], () => assert.throws(() => ring.submit(), RangeError));
    next(50, [50, 51]);
    putBytes(ring, fd, 0, 3);
    withAnswers([overflowBehind], () => assert.throws(() => ring.submit(), RangeError));
    next(60, [0, 1, 2, 60, 61]);
  });
});

test('a batch does not begin while a write of one before it is under way', { skip }, () => {
  const ring = threadWriteRing(true)!;
  withPipe((fd) => {
    const full = new Uint8Array(0x1_0000);
    ring.begin();
    ring.put(fd, new Address(addressOf(full)), 0, full.length);
    putBytes(ring, fd, 7, 8);
    const thrown: Answer = (enter, ...[ringFd, submit]) => {
      enter(ringFd, submit, 1, 1);
      throw new RangeError('Maximum call stack size exceeded');
    };
    withAnswers([thrown], () => assert.throws(() => ring.submit(), RangeError));
    const empty: Answer = (enter, ...call) => {
      assert.equal(content(fd).length, full.length);
      return enter(...call);
    };
    withAnswers([fails(EINTR), empty], () => ring.begin());
    assert.deepEqual(content(fd), [7]);
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
