/** Both ways of watching descriptors where libuv's symbols do not reach, by the same rules. */

import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { socketPair } from '#dist/os/fd-passing.js';
import { libc } from '#dist/os/libc.js';
import type { Poller } from '#dist/os/poll.js';
import { ringPoll } from '#dist/os/ring-poll.js';
import { workerPoll } from '#dist/os/worker-poll.js';
import { ffiSkip } from '../../support/ffi.ts';
import { until } from '../../support/link-use.ts';

/** errno.h */
const EPIPE = 32;
/** Or the kernel would raise SIGPIPE. */
const MSG_NOSIGNAL = 0x4000;
/** More than a socket holds of single numbers. */
const MANY = 400;

const POLLERS: readonly [string, () => Poller | undefined][] = [
  ['io_uring', ringPoll],
  ['poller thread', workerPoll],
];

function send(fd: number): void {
  assert.equal(libc().sendto(fd, new Uint8Array(1), 1, 0, null, 0), 1);
}

function receive(fd: number): void {
  libc().recv(fd, new Uint8Array(16), 16, 0);
}

for (const [name, make] of POLLERS) {
  describe(`watching descriptors by ${name}`, { skip: ffiSkip() }, () => {
    const poller = ffiSkip() === false ? make() : undefined;
    const skip = poller === undefined && 'the kernel has no io_uring for us, or forbids it';

    /** A watch on one end of a pair, with the calls it made. */
    async function watching(
      use: (
        watch: ReturnType<Poller['watch']>,
        ours: number,
        theirs: number,
        calls: () => number,
      ) => Promise<void>,
      onReadable: (fd: number) => void = receive,
    ): Promise<void> {
      const [ours, theirs] = socketPair();
      let calls = 0;
      const watch = poller!.watch(ours, () => {
        calls++;
        onReadable(ours);
      });
      try {
        await use(watch, ours, theirs, () => calls);
      } finally {
        await watch.close();
        closeSync(ours);
        libc().close(theirs);
      }
    }

    test('calls back once for what is read, and again for what comes next', { skip }, async () => {
      await watching(async (watch, _ours, theirs, calls) => {
        watch.start();
        for (let i = 1; i <= 3; i++) {
          send(theirs);
          assert.ok(await until(() => calls() === i));
        }
        await sleep(20);
        assert.equal(calls(), 3);
      });
    });

    test('calls back again and again while nothing is read', { skip }, async () => {
      const ignore = (): void => undefined;
      await watching(async (watch, _ours, theirs, calls) => {
        watch.start();
        send(theirs);
        assert.ok(await until(() => calls() > 10));
        watch.stop();
      }, ignore);
    });

    test('does not call back once it is stopped, and does when it is started again', {
      skip,
    }, async () => {
      await watching(async (watch, _ours, theirs, calls) => {
        watch.start();
        watch.stop();
        send(theirs);
        await sleep(50);
        assert.equal(calls(), 0);
        watch.start();
        assert.ok(await until(() => calls() === 1));
      });
    });

    test('can be stopped by its own callback', { skip }, async () => {
      let stop = (): void => undefined;
      await watching(
        async (watch, _ours, theirs, calls) => {
          stop = () => watch.stop();
          watch.start();
          send(theirs);
          assert.ok(await until(() => calls() === 1));
          await sleep(30);
          assert.equal(calls(), 1);
        },
        () => stop(),
      );
    });

    test('lets go of the descriptor when it is closed while it waits', { skip }, async () => {
      const [ours, theirs] = socketPair();
      const watch = poller!.watch(ours, () => undefined);
      watch.start();
      await sleep(20);
      await watch.close();
      closeSync(ours);
      // Nobody else holds the other end: the kernel says so at once.
      assert.equal(libc().sendto(theirs, new Uint8Array(1), 1, MSG_NOSIGNAL, null, 0), -1);
      assert.equal(libc().errno(), EPIPE);
      libc().close(theirs);
    });

    test('loses none of many that are readable at once', { skip }, async () => {
      const seen = new Set<number>();
      const pairs = Array.from({ length: MANY }, socketPair);
      const watches = pairs.map(([ours], i) =>
        poller!.watch(ours, () => {
          receive(ours);
          seen.add(i);
        }),
      );
      for (const watch of watches) watch.start();
      for (const [, theirs] of pairs) send(theirs);
      assert.ok(await until(() => seen.size === MANY), `${seen.size} of ${MANY} were told`);
      for (const watch of watches) await watch.close();
      for (const [ours, theirs] of pairs) {
        closeSync(ours);
        libc().close(theirs);
      }
    });
  });
}
