/** What a person reads of a bench run. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Measure, Samples, type Target } from '../../../bench/report/result.ts';
import { LEGEND, tables, targetTable } from '../../../bench/report/table.ts';

const TCP: Measure = { id: 'tcp', title: 'one TCP stream', unit: 'Gbit/s', better: 'more' };

function samplesOf(rounds: number): Samples {
  const samples = new Samples();
  for (let round = 0; round < rounds; round++) {
    samples.add({ id: 'r1', title: 'R1' }, TCP, 2 + round);
    samples.add({ id: 'off', title: 'off' }, TCP, 1 + round);
    samples.add(
      { id: 'o1', title: 'step', point: { curve: 'off', at: 1 } },
      { ...TCP, id: 's' },
      1,
    );
  }
  return samples;
}

const MISSED: Target = {
  id: 'P1',
  about: 'TCP',
  ratio: 0.5,
  target: 0.85,
  met: null,
  spread: [0.5, 0.5],
};

test('one round has no quartiles, and is one', () => {
  const once = tables(samplesOf(1));
  assert.doesNotMatch(once, /quartiles|\.\./);
  assert.match(once, /^1 round$/m);
  const twice = tables(samplesOf(2));
  assert.match(twice, /quartiles/);
  assert.match(twice, /^2 rounds$/m);
});

test('a target says on which side it lies, and a short run on which side it came out', () => {
  const lines = (target: Partial<Target>): string => targetTable([{ ...MISSED, ...target }]);
  assert.match(lines({}), /0\.50+ +at least 0\.850 +below, indicative$/m);
  assert.match(lines({ ratio: 0.9 }), /reached, indicative$/m);
  assert.match(lines({ atMost: true, ratio: 3 }), /at most 0\.850 +above, indicative$/m);
  assert.match(lines({ atMost: true }), /reached, indicative$/m);
  assert.match(lines({ met: false }), /NOT MET$/m);
  assert.doesNotMatch(lines({}), /quartiles/);
  assert.match(lines({ spread: [0.4, 0.6] }), /quartiles[\s\S]*0\.400\.\.0\.600/);
});

test('the legend explains the names in the tables', () => {
  for (const name of ['R1', 'R2', 'off', 'split', 'carry', 'P1', 'P9']) {
    assert.ok(LEGEND.includes(name), name);
  }
});
