import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realClock, VirtualClock } from '#dist/link/memory/clock.js';

test('a virtual clock calls timers in order of time, those of one moment in the order set', () => {
  const clock = new VirtualClock();
  const calls: [string, number][] = [];
  const note = (name: string) => () => calls.push([name, clock.now()]);
  clock.setTimer(20, note('b'));
  clock.setTimer(10, note('a'));
  clock.setTimer(20, note('c'));
  clock.advance(15);
  assert.deepEqual(calls, [['a', 10]]);
  clock.advance(5);
  assert.deepEqual(calls.slice(1), [
    ['b', 20],
    ['c', 20],
  ]);
  assert.equal(clock.now(), 20);
});

test('a virtual clock also calls timers that timers set on the way', () => {
  const clock = new VirtualClock();
  const calls: number[] = [];
  clock.setTimer(10, () => clock.setTimer(clock.now() + 10, () => calls.push(clock.now())));
  clock.advance(100);
  assert.deepEqual(calls, [20]);
  assert.equal(clock.now(), 100);
});

test('a virtual timer that is cancelled does not fire, and may be cancelled twice', () => {
  const clock = new VirtualClock();
  let calls = 0;
  const timer = clock.setTimer(10, () => calls++);
  clock.setTimer(10, () => calls++);
  timer.cancel();
  timer.cancel();
  clock.advance(10);
  assert.equal(calls, 1);
});

test('a virtual clock refuses to go back', () => {
  const clock = new VirtualClock();
  assert.throws(() => clock.advance(-1), { name: 'RangeError', message: /-1 ms/ });
  assert.throws(() => clock.advance(Number.POSITIVE_INFINITY), RangeError);
});

test('the real clock fires once, about when due, and not when cancelled', async () => {
  const start = realClock.now();
  let cancelled = false;
  realClock.setTimer(start + 1, () => (cancelled = true), false).cancel();
  await new Promise<void>((resolve) => realClock.setTimer(start + 15, resolve, true));
  const took = realClock.now() - start;
  assert.ok(took >= 14, `fired after ${took} ms`);
  assert.equal(cancelled, false);
});

test('a clock that a timer moves on does not go back', () => {
  const clock = new VirtualClock();
  clock.setTimer(1, () => clock.advance(100));
  clock.advance(10);
  assert.equal(clock.now(), 101);
});
