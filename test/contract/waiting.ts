/** The contract of `wait` and `watch`. */

import assert from 'node:assert/strict';
import { MAX_BLOCK_MS } from '#dist/limits.js';
import { pattern } from '../support/ip-packets.ts';
import { sleep, until } from '../support/link-use.ts';
import { type Contract, parkedWords, takeAll, timed, untilPacket } from './subject.ts';

export function waitingContract(contract: Contract): void {
  contract('park returns at once for a packet, a changed word, and no time', async (subject) => {
    const words = parkedWords();
    assert.ok(timed(() => subject.link.park(0, words, 0, 0)) < MAX_BLOCK_MS / 2);
    assert.ok(timed(() => subject.link.park(0, words, 0, -5)) < MAX_BLOCK_MS / 2);
    Atomics.store(words, 0, 0);
    assert.ok(timed(() => subject.link.park(0, words, 0, MAX_BLOCK_MS)) < MAX_BLOCK_MS / 2);
    Atomics.store(words, 0, 1);
    await subject.hostSendUdp(pattern(1));
    await untilPacket(subject);
    assert.ok(timed(() => subject.link.park(0, words, 0, MAX_BLOCK_MS)) < MAX_BLOCK_MS / 2);
    assert.equal((await takeAll(subject, 1)).packets.length, 1, 'and takes nothing');
  });

  contract('park lasts as long as it is told, but never longer than its cap', ({ link }) => {
    const words = parkedWords();
    const longest = Math.max(...[0, 1, 2].map(() => timed(() => link.park(0, words, 0, 30))));
    assert.ok(longest >= 25 && longest < MAX_BLOCK_MS, `${longest} ms`);
    const capped = timed(() => link.park(0, words, 0, 60_000));
    assert.ok(capped < 5 * MAX_BLOCK_MS, `${capped} ms`);
  });

  contract(
    'the watch calls back while packets are there, and not when there are none',
    async (subject) => {
      let calls = 0;
      const watch = subject.link.watch(() => calls++);
      watch.start();
      await sleep(10);
      assert.equal(calls, 0);
      await subject.hostSendUdp(pattern(1));
      assert.ok(
        await until(() => calls >= 3),
        'level-triggered: again and again until it is taken',
      );
      await takeAll(subject, 1);
      await sleep(5);
      const before = calls;
      await sleep(20);
      assert.equal(calls, before, 'quiet once it is taken');
      await subject.hostSendUdp(pattern(2));
      assert.ok(await until(() => calls > before), 'and again for the next');
      watch.stop();
    },
  );

  contract(
    'the watch never calls back from within start, and reports what was there before',
    async (subject) => {
      await subject.hostSendUdp(pattern(1));
      await untilPacket(subject);
      let calls = 0;
      const watch = subject.link.watch(() => {
        calls++;
        watch.stop();
      });
      watch.start();
      watch.start();
      assert.equal(calls, 0);
      await Promise.resolve();
      assert.equal(calls, 0, 'nor from a microtask of the caller');
      assert.ok(await until(() => calls > 0));
      await sleep(10);
      assert.equal(calls, 1, 'stopped from within the callback');
    },
  );

  contract('the watch is silent after stop, and can be started again', async (subject) => {
    let calls = 0;
    const watch = subject.link.watch(() => calls++);
    watch.start();
    await subject.hostSendUdp(pattern(1));
    watch.stop();
    watch.stop();
    const before = calls;
    await sleep(20);
    assert.equal(calls, before);
    watch.start();
    assert.ok(await until(() => calls > before));
    await subject.link.close();
    const atClose = calls;
    await sleep(20);
    assert.equal(calls, atClose, 'no callback after close');
  });
}
