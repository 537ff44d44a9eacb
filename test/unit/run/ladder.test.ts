/** The ladder of `runInNamespace`: which rung is tried after which, and what is said about it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TunError, type TunErrorCode } from 'typetun';
import { climb } from '#dist/run/ladder.js';
import type { Rung } from '#dist/run/options.js';

/** Climbs where the rungs that are named fail so; returns the rungs that were tried as well, `kernel` apart. */
async function climbing(failures: Partial<Record<Rung, TunErrorCode>>, wanted?: Rung) {
  const tried: Rung[] = [];
  const attempt = async (rung: Rung): Promise<string> => {
    // Whether it is tried is a matter of who runs the test.
    if (rung !== 'kernel' || wanted !== undefined) tried.push(rung);
    const code = rung === 'kernel' ? 'ERR_TUN_NO_PRIVILEGE' : failures[rung];
    if (code !== undefined && (rung !== 'kernel' || wanted === undefined)) {
      throw new TunError(code, `not ${rung}`);
    }
    return `got ${rung}`;
  };
  const outcome = await climb(wanted, attempt).then(
    (got) => got,
    (error: TunError) => error,
  );
  return { tried, outcome };
}

test('a user namespace comes before a veth pair in one', async () => {
  const { tried, outcome } = await climbing({});
  assert.deepEqual(tried, ['rootless']);
  assert.ok(!(outcome instanceof Error));
  assert.equal(outcome.got, 'got rootless');
  assert.match(outcome.reason, /^in a user namespace, since /);
});

for (const code of ['ERR_TUN_NO_PRIVILEGE', 'ERR_TUN_NO_DRIVER'] as const) {
  test(`after ${code} a veth pair is tried, and both reasons are told`, async () => {
    const { tried, outcome } = await climbing({ rootless: code });
    assert.deepEqual(tried, ['rootless', 'veth']);
    assert.ok(!(outcome instanceof Error));
    assert.deepEqual([outcome.rung, outcome.got], ['veth', 'got veth']);
    assert.match(
      outcome.reason,
      /^over a veth pair in a user namespace, since .*; there not rootless$/,
    );
  });
}

test('where namespaces are refused nothing else is tried', async () => {
  const { tried, outcome } = await climbing({ rootless: 'ERR_TUN_NETNS' });
  assert.deepEqual(tried, ['rootless']);
  assert.ok(outcome instanceof TunError);
  assert.equal(outcome.code, 'ERR_TUN_NETNS');
  assert.match(
    outcome.message,
    /^a command cannot .* As it is: .*\. In a user namespace: not rootless$/,
  );
});

test('when none holds, the error tells about each', async () => {
  const { tried, outcome } = await climbing({
    rootless: 'ERR_TUN_NO_PRIVILEGE',
    veth: 'ERR_TUN_NO_DRIVER',
  });
  assert.deepEqual(tried, ['rootless', 'veth']);
  assert.ok(outcome instanceof TunError);
  assert.equal(outcome.code, 'ERR_TUN_NO_DRIVER');
  assert.match(
    outcome.message,
    /In a user namespace: not rootless\. Over a veth pair there: not veth$/,
  );
});

test('what is wrong with more than the rung ends the climb', async () => {
  for (const rung of ['rootless', 'veth'] as const) {
    const { outcome } = await climbing({
      rootless: 'ERR_TUN_NO_PRIVILEGE',
      [rung]: 'ERR_TUN_CONFIGURATION',
    });
    assert.ok(outcome instanceof TunError);
    assert.equal(outcome.message, `not ${rung}`);
  }
});

for (const rung of ['kernel', 'rootless', 'veth'] as const) {
  test(`the rung ${rung} is taken when it is asked for, and no other`, async () => {
    const { tried, outcome } = await climbing({}, rung);
    assert.deepEqual(tried, [rung]);
    assert.deepEqual(outcome, { rung, reason: 'asked for', got: `got ${rung}` });
  });
}
