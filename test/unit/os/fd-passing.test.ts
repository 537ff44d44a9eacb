import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  MAX_DESCRIPTORS,
  receiveDescriptors,
  sendDescriptors,
  socketPair,
} from '#dist/os/fd-passing.js';
import { F_GETFD, FD_CLOEXEC, libc } from '#dist/os/libc.js';
import { runScript } from '../../support/child.ts';

const skip = process.platform !== 'linux' && 'SCM_RIGHTS as Linux lays it out';

/** Descriptors this process has open. */
function openCount(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Runs `use` with a pair of sockets; fails when it leaves a descriptor open. */
function withPair(use: (left: number, right: number) => void): void {
  const before = openCount();
  const [left, right] = socketPair();
  try {
    use(left, right);
  } finally {
    closeSync(left);
    closeSync(right);
  }
  assert.equal(openCount(), before, 'descriptors left open');
}

/** Runs `use` with `count` descriptors of /dev/null. */
function withDescriptors(count: number, use: (fds: number[]) => void): void {
  const fds = Array.from({ length: count }, () => openSync('/dev/null', 'r'));
  try {
    use(fds);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

describe('descriptors over a Unix socket', { skip }, () => {
  test('arrive with their data, as others for the same files, closed on exec', () => {
    withPair((left, right) => {
      const [inner, outer] = socketPair();
      assert.equal(sendDescriptors(left, [inner], Buffer.from('one')), 3);
      closeSync(inner);
      const data = new Uint8Array(16).fill(0xa5);
      const received = receiveDescriptors(right, data)!;
      assert.equal(received.bytes, 3);
      assert.equal(Buffer.from(data.subarray(0, 3)).toString(), 'one');
      assert.ok(
        data.subarray(3).every((byte) => byte === 0xa5),
        'nothing beyond the data',
      );
      const [fd] = received.fds;
      assert.equal(received.fds.length, 1);
      assert.equal(libc().fcntl(fd!, F_GETFD, 0), FD_CLOEXEC);
      writeSync(fd!, 'x');
      assert.equal(readSync(outer, new Uint8Array(4)), 1);
      closeSync(fd!);
      closeSync(outer);
    });
  });

  test('are all of one message, up to the most there can be', () => {
    withPair((left, right) => {
      withDescriptors(MAX_DESCRIPTORS, (fds) => {
        assert.equal(sendDescriptors(left, fds, Uint8Array.of(1)), 1);
        const received = receiveDescriptors(right, new Uint8Array(1))!;
        assert.equal(received.fds.length, MAX_DESCRIPTORS);
        for (const fd of received.fds) closeSync(fd);
        assert.throws(() => sendDescriptors(left, [...fds, 0], Uint8Array.of(1)), RangeError);
      });
    });
  });

  test('come with the first byte alone, when the data is read in pieces', () => {
    withPair((left, right) => {
      sendDescriptors(left, [left], Buffer.from('abc'));
      const first = receiveDescriptors(right, new Uint8Array(1))!;
      assert.deepEqual([first.fds.length, first.bytes], [1, 1]);
      closeSync(first.fds[0]!);
      assert.deepEqual(receiveDescriptors(right, new Uint8Array(9)), { fds: [], bytes: 2 });
    });
  });

  test('are closed, and the message refused, when there are more than wanted', () => {
    withPair((left, right) => {
      withDescriptors(3, (fds) => {
        sendDescriptors(left, fds, Uint8Array.of(1));
        const before = openCount();
        assert.throws(() => receiveDescriptors(right, new Uint8Array(1), 2), {
          code: 'ERR_TUN_SYSCALL',
          message: /sent 3 descriptors where at most 2/,
        });
        assert.equal(openCount(), before);
      });
    });
  });

  test('are closed, and the message refused, when not all of them arrived', async () => {
    // In a process of its own: the limit of open files stays lowered.
    const { stdout, stderr } = await runScript(`
      import { openSync, readdirSync } from 'node:fs';
      import { execFileSync } from 'node:child_process';
      import { receiveDescriptors, sendDescriptors, socketPair } from '#dist/os/fd-passing.js';
      const [left, right] = socketPair();
      const fds = [];
      for (let i = 0; i < 8; i++) fds.push(openSync('/dev/null', 'r'));
      sendDescriptors(left, fds, Uint8Array.of(1));
      execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=' + (Math.max(...fds) + 5)]);
      const before = readdirSync('/proc/self/fd').length;
      try { receiveDescriptors(right, new Uint8Array(1)); }
      catch (error) { console.log(error.code, error.message); }
      console.log(readdirSync('/proc/self/fd').length - before);
    `);
    assert.match(stdout, /^ERR_TUN_SYSCALL not all descriptors .*\n0\n$/, stderr);
  });

  test('are none when nothing is there, and at the end of the stream', () => {
    withPair((left, right) => {
      assert.equal(receiveDescriptors(right, new Uint8Array(1)), undefined);
      assert.equal(libc().close(libc().fcntl(left, 1030, 0)), 0);
      sendDescriptors(left, [], Uint8Array.of(7));
      assert.deepEqual(receiveDescriptors(right, new Uint8Array(1)), { fds: [], bytes: 1 });
    });
    const [left, right] = socketPair();
    closeSync(left);
    assert.deepEqual(receiveDescriptors(right, new Uint8Array(1)), { fds: [], bytes: 0 });
    assert.throws(() => sendDescriptors(right, [], Uint8Array.of(1)), { message: /EPIPE/ });
    closeSync(right);
  });

  test('wait in nobody: a socket that is full takes nothing', () => {
    withPair((left) => {
      const much = new Uint8Array(0x10000);
      let sent = 0;
      for (let now = 1; now > 0; sent += now) now = sendDescriptors(left, [], much);
      assert.ok(sent > 0);
      assert.equal(sendDescriptors(left, [left], Uint8Array.of(1)), 0);
    });
  });

  test('refuse no data, a descriptor that is not open, and what is no socket', () => {
    withPair((left) => {
      assert.throws(() => sendDescriptors(left, [], new Uint8Array()), RangeError);
      assert.throws(() => receiveDescriptors(left, new Uint8Array()), RangeError);
      assert.throws(() => sendDescriptors(left, [1_000_000], Uint8Array.of(1)), {
        message: /EBADF/,
      });
      withDescriptors(1, ([fd]) => {
        assert.throws(() => sendDescriptors(fd!, [], Uint8Array.of(1)), { message: /ENOTSOCK/ });
        assert.throws(() => receiveDescriptors(fd!, new Uint8Array(1)), { message: /ENOTSOCK/ });
      });
    });
  });
});
