import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_RATES, ratesBetween } from '#dist/observe/rates.js';
import { niceScale } from '#dist/observe/page/plot.js';
import { formatBits, formatCount, formatDuration, formatScaled } from 'typetun/observe';
import type { StatisticsEntry } from 'typetun/service';
import { ScriptedControl } from '../../support/scripted-control.ts';

async function entryAfter(seconds: number, lent = false): Promise<StatisticsEntry> {
  const drops = { queueFull: 10 };
  const control = new ScriptedControl([{ name: 'a', out: () => 200, in: () => 100, drops, lent }]);
  for (let passed = 0; passed < seconds; passed++) control.advance(1);
  return (await control.call('statistics', {}))[0]!;
}

test('rates are differences by the time between two readings', async () => {
  const [before, after] = [await entryAfter(2), await entryAfter(6)];
  const rates = ratesBetween(before, after);
  assert.equal(rates.outPackets, 200);
  assert.equal(rates.inPackets, 100);
  assert.equal(rates.outBits, 200 * 1340 * 8);
  assert.equal(rates.drops, 0, 'what was lost before is not lost now');
  assert.equal(rates.packetsPerBundle, 1);
  assert.equal(ratesBetween(await entryAfter(2, true), await entryAfter(3, true)).outPackets, 200);
});

test('there are no rates where nothing can be compared', async () => {
  const [early, late] = [await entryAfter(1), await entryAfter(3)];
  assert.deepEqual(ratesBetween(undefined, late), NO_RATES);
  assert.deepEqual(ratesBetween(late, late), NO_RATES, 'no time has passed');
  const anew = { ...early, time: late.time + 1000 };
  assert.deepEqual(ratesBetween(late, anew), NO_RATES, 'the counters began anew');
  const lent = { ...(await entryAfter(5, true)), time: late.time + 1000 };
  assert.deepEqual(ratesBetween(late, lent), NO_RATES, 'from now on the kernel counts');
});

test('numbers are written with three digits and a prefix', () => {
  assert.deepEqual([0, 7, 999, 1000, 38_140, 999_499, 999_600, 1.24e9].map(formatScaled), [
    '0',
    '7',
    '999',
    '1.00 k',
    '38.1 k',
    '999 k',
    '1.00 M',
    '1.24 G',
  ]);
  assert.equal(formatBits(655_400_000), '655 Mbit/s');
  assert.equal(formatBits(12.4), '12 bit/s');
  assert.equal(formatCount(1_234_567), '1,234,567');
  assert.deepEqual([59, 61, 3720, 183_700].map(formatDuration), [
    '59 s',
    '1 min 1 s',
    '1 h 2 min',
    '2 d 3 h',
  ]);
});

test('a plot has the next 1, 2 or 5 times a power of ten as its scale', () => {
  assert.deepEqual(
    [0, 1001, 2000, 2001, 5.1e8, 1e9].map(niceScale),
    [1000, 2000, 2000, 5000, 1e9, 1e9],
  );
});
