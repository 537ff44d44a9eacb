/** Waking a thread that sleeps in the kernel, by a descriptor whose number may have come to mean something else. */

import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { Parking } from '#dist/link/linux/parking.js';
import { TunMemory } from '#dist/link/linux/tun-memory.js';
import { closeOwned } from '#dist/os/descriptors.js';
import { eventFdIdentity, makeEventFd, NO_EVENTFD } from '#dist/os/event-fd.js';
import { libc } from '#dist/os/libc.js';
import { ffiSkip } from '../../support/ffi.ts';
import { withLibc } from '../../support/scripted-libc.ts';

const skip = ffiSkip() !== false ? ffiSkip() : noEventFd();
const options = { skip };
const SLEEPER = 1;
/** A device that never has packets. */
const QUIET = -1;
const ALIVE = { isAlive: () => true };

/** Why there is none here; false where there is. */
function noEventFd(): string | false {
  if (process.platform !== 'linux') return 'needs Linux';
  const fd = makeEventFd();
  const identity = eventFdIdentity(fd);
  closeOwned(fd);
  return identity > 0 ? false : 'this kernel does not number eventfds';
}

/** What was counted in an eventfd since it was last asked. */
function counted(fd: number): number {
  const count = new BigUint64Array(1);
  return libc().readCount(fd, new Uint8Array(count.buffer)) < 0 ? 0 : Number(count[0]);
}

/** Lets `parking` publish its eventfd, without sleeping: nobody expects it to. */
function publish(parking: Parking, participant = SLEEPER): void {
  parking.park(participant, new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function sleepers(): [TunMemory, Parking, Parking] {
  const shared = new TunMemory();
  shared.share();
  return [shared, new Parking(QUIET, shared, ALIVE), new Parking(QUIET, shared, ALIVE)];
}

test('a thread that is woken before it sleeps does not sleep', options, () => {
  const [, sleeper, waker] = sleepers();
  publish(sleeper);
  waker.unpark(SLEEPER);
  const words = new Int32Array(new SharedArrayBuffer(4)).fill(1);
  let ready = 0;
  withLibc({}, (real) =>
    withLibc({ poll: (...call) => (ready = real.poll(...call)) }, () => {
      sleeper.park(SLEEPER, words, 0, 100);
    }),
  );
  assert.equal(ready, 1);
  waker.close();
  sleeper.close();
});

test('nothing is written to a number that stands for another eventfd by now', options, () => {
  const [shared, sleeper, waker] = sleepers();
  publish(sleeper);
  const fd = shared.eventFd(SLEEPER);
  const stranger = makeEventFd();
  // Its thread ends, without a word, and somebody else gets the number.
  assert.equal(libc().dup3(stranger, fd, 0), fd);
  waker.unpark(SLEEPER);
  assert.equal(counted(stranger), 0);
  libc().close(stranger);
  libc().close(fd);
  waker.close();
});

test('nothing is written for a thread that has ended, whoever has its numbers', options, () => {
  const [shared, sleeper] = sleepers();
  publish(sleeper);
  const waker = new Parking(QUIET, shared, { isAlive: (participant) => participant !== SLEEPER });
  waker.unpark(SLEEPER);
  assert.equal(counted(shared.eventFd(SLEEPER)), 0);
  waker.close();
  sleeper.close();
});

test('a number used again is woken anew, and one that is free by nobody', options, () => {
  const [shared, first, waker] = sleepers();
  publish(first);
  waker.unpark(SLEEPER);
  const second = new Parking(QUIET, shared, ALIVE);
  // The first leaves late, and takes nothing of the one that has its place with it.
  publish(second);
  first.close();
  waker.unpark(SLEEPER);
  assert.equal(counted(shared.eventFd(SLEEPER)), 1);
  waker.forget(SLEEPER);
  assert.equal(shared.eventStamp(SLEEPER), 0);
  waker.unpark(SLEEPER);
  assert.equal(counted(shared.eventFd(SLEEPER)), 0);
  second.close();
  waker.close();
});

test('what has been closed makes no descriptors and is closed twice', options, () => {
  const [shared, sleeper, waker] = sleepers();
  publish(sleeper);
  waker.unpark(SLEEPER);
  const fd = shared.eventFd(SLEEPER);
  waker.close();
  waker.unpark(SLEEPER);
  assert.equal(counted(fd), 1);
  sleeper.close();
  sleeper.close();
  assert.throws(() => readlinkSync(`/proc/self/fd/${fd}`));
});

test('what is no eventfd is told from one', options, () => {
  assert.equal(eventFdIdentity(0), NO_EVENTFD);
  assert.equal(eventFdIdentity(1_000_000), NO_EVENTFD);
  const [one, other] = [makeEventFd(), makeEventFd()];
  assert.notEqual(eventFdIdentity(one), eventFdIdentity(other));
  closeOwned(one);
  closeOwned(other);
});
