/** Where a command is looked for, and the statuses of one that does not start. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { candidates, unstartedReason, unstartedStatus } from '#dist/run/find-command.js';

const ENOENT = 2;
const EACCES = 13;
const ENOTDIR = 20;

test('a name is looked for in the folders of PATH, in order, an empty one being the present', () => {
  assert.deepEqual(candidates('a', '/x::/y'), ['/x/a', 'a', '/y/a']);
  assert.deepEqual(candidates('./a', '/x'), ['./a']);
  assert.deepEqual(candidates('/b/a', '/x'), ['/b/a']);
  assert.ok(candidates('a', undefined).includes('/bin/a'));
});

test('what is not there is 127, what cannot be run is 126', () => {
  assert.deepEqual([ENOENT, ENOTDIR, EACCES].map(unstartedStatus), [127, 127, 126]);
  assert.equal(unstartedReason('a', ENOENT), 'a: there is no such command (ENOENT)');
  assert.equal(unstartedReason('a', EACCES), 'a: cannot be run (EACCES)');
});
