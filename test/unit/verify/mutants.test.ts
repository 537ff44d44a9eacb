/** Every mutant still has its place in the compiled driver: seen here in a second, not after minutes. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MUTANTS } from '../../../verify/mutants.ts';
import { mistaken } from '../../../verify/mutate.ts';
import { RULES } from '../../../verify/rules.ts';
import { SCENARIOS } from '../../../verify/scenarios.ts';

const DIST = new URL('../../../../dist/', import.meta.url);

for (const mutant of MUTANTS) {
  test(`the mutant ${mutant.id} has its place, its rule and its scenarios`, () => {
    const source = readFileSync(new URL(mutant.file, DIST), 'utf8');
    assert.notEqual(mistaken(source, mutant), source);
    assert.ok(mutant.rule in RULES, mutant.rule);
    for (const scenario of mutant.scenarios) assert.ok(SCENARIOS.includes(scenario), scenario);
    assert.ok(mutant.scenarios.length > 0);
  });
}

test('a mutant whose place is gone, or there twice, is refused by its name', () => {
  const [mutant] = MUTANTS;
  for (const [source, found] of [
    ['', 0],
    [`${mutant!.find}${mutant!.find}`, 2],
  ] as const) {
    assert.throws(
      () => mistaken(source, mutant!),
      (error: Error) => error.message.includes(`${mutant!.id}: its text is found ${found} times`),
    );
  }
});
