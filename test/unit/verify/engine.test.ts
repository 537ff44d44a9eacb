/** The verifier's engine on toys whose answers are known, and against a naive enumeration. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Exploration, Explorer, parseSchedule } from '../../../verify/engine/explore.ts';
import { describeSteps } from '../../../verify/engine/print.ts';
import type { Scenario } from '../../../verify/engine/scenario.ts';
import { type Operation, programFor } from './toys/random-program.ts';

type Observe = (memories: readonly SharedArrayBuffer[]) => void;

async function withToy<T>(
  name: string,
  use: (explorer: Explorer, scenario: Scenario) => Promise<T>,
  observe?: Observe,
): Promise<T> {
  const url = new URL(`./toys/${name}.js`, import.meta.url).href;
  const { scenario } = (await import(url)) as { scenario: Scenario };
  const check: Scenario['check'] = (memories, env) => {
    observe?.(memories);
    scenario.check(memories, env);
  };
  const watched: Scenario = { ...scenario, check };
  const explorer = new Explorer(watched, { rules: ['sum'] });
  await explorer.start(url);
  try {
    return await use(explorer, watched);
  } finally {
    await explorer.stop();
  }
}

function explore(name: string): Promise<Exploration> {
  return withToy(name, (explorer) => explorer.explore());
}

test('a correct mutex is explored to the end without a violation', async () => {
  const { exhausted, violation, schedules, tested } = await explore('mutex');
  assert.equal(violation, undefined);
  assert.equal(exhausted, true);
  assert.ok(schedules > 2);
  assert.equal(tested['sum'], schedules);
});

test('a mutex that looks and then takes is caught with one preemption', async () => {
  const { violation, exhausted } = await explore('broken-mutex');
  assert.equal(violation?.rule, 'sum');
  assert.equal(violation.message, 'the sum is 1');
  assert.equal(exhausted, false);
  const { choices } = parseSchedule(violation.schedule);
  const switches = choices.filter((thread, i) => i > 0 && choices[i - 1] !== thread).length;
  assert.ok(switches <= 3, violation.schedule);
});

test('a lost wake-up is caught although a timeout would cover it up', async () => {
  const { violation } = await explore('lost-wakeup');
  assert.equal(violation?.message, 'asleep although the flag is set');
});

test('mutexes taken in two orders deadlock', async () => {
  const { violation } = await explore('abba');
  assert.match(violation?.message ?? '', /deadlock/);
});

test('a death is tried before each operation, and a waiter that asks gets on', async () => {
  const { violation, exhausted, schedules } = await explore('death');
  assert.equal(violation, undefined);
  assert.equal(exhausted, true);
  assert.ok(schedules > 10, `${schedules}`);
});

test('a waiter that never asks is wedged by a death', async () => {
  const { violation } = await explore('wedged');
  assert.match(violation?.message ?? '', /deadlock/);
  assert.match(violation?.schedule ?? '', /@\d+$/);
});

test('a schedule can be run again, with the place of each step', async () => {
  await withToy('broken-mutex', async (explorer, scenario) => {
    const { violation } = await explorer.explore();
    const positions = await explorer.replay(violation!.schedule);
    assert.deepEqual(explorer.lastViolation, { rule: 'sum', message: 'the sum is 1' });
    const lines = describeSteps(explorer.words, scenario, positions);
    assert.ok(lines.some((line) => /is preempted/.test(line)));
    assert.ok(lines.filter((line) => line.includes('broken-mutex')).length >= 10, lines.join('\n'));
  });
});

test('what is no schedule is refused', () => {
  assert.throws(() => parseSchedule('nonsense'), /"nonsense" is no schedule; it looks like/);
});

const BOUND = 2;

/** All final states within the bound, by trying every schedule. */
function enumerate(program: readonly (readonly Operation[])[]): Set<string> {
  const found = new Set<string>();
  const words = new Array<number>(16).fill(0);
  const at = program.map(() => 0);
  const visit = (current: number, preemptions: number): void => {
    const enabled = at.flatMap((next, thread) => (next < program[thread]!.length ? [thread] : []));
    if (enabled.length === 0) found.add(stateOf(words));
    for (const thread of enabled) {
      const cost = thread !== current && enabled.includes(current) ? 1 : 0;
      if (preemptions + cost > BOUND) continue;
      const before = [...words];
      apply(words, thread, program[thread]![at[thread]!]!);
      at[thread]! += 1;
      visit(thread, preemptions + cost);
      at[thread]! -= 1;
      words.splice(0, words.length, ...before);
    }
  };
  visit(-1, 0);
  return found;
}

function apply(words: number[], thread: number, [operation, index, value]: Operation): void {
  if (operation === 'load') words[8 + thread] = (words[8 + thread]! * 31 + words[index]!) | 0;
  else if (operation === 'store') words[index] = value;
  else words[index]! += value;
}

function stateOf(words: ArrayLike<number>): string {
  return [0, 1, 8, 9, 10].map((index) => words[index]).join();
}

for (let seed = 1; seed <= 12; seed++) {
  test(`with reduction the same final states are found as without (program ${seed})`, async () => {
    process.env['TYPETUN_TOY_SEED'] = String(seed);
    const found = new Set<string>();
    const exploration = await withToy(
      'random-program',
      (explorer) => explorer.explore(),
      ([memory]) => found.add(stateOf(new Int32Array(memory!))),
    );
    assert.equal(exploration.exhausted, true);
    assert.deepEqual([...found].sort(), [...enumerate(programFor(seed))].sort());
  });
}
