/** What the command line says of whatever was thrown. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TunError, TunErrorCode } from 'typetun';
import { describeError } from '#dist/cli/errors.js';

const failing = (): never => {
  throw new Error('asked');
};
const unreadable = new Error('x');
Object.defineProperty(unreadable, 'message', { get: failing });

for (const [what, thrown] of [
  ['has no prototype', Object.create(null)],
  ['fails when it is made a string', { toString: failing }],
  ['is an error whose message fails', unreadable],
  ['is a proxy that throws at everybody', new Proxy({}, { getPrototypeOf: failing, get: failing })],
] as const) {
  test(`what ${what} is described all the same`, () => {
    assert.equal(describeError(thrown), 'something was thrown that does not say what it is');
  });
}

test('an error is described by its message, ours with its code, anything else as a string', () => {
  assert.equal(describeError(new Error('so')), 'so');
  assert.equal(describeError(new TunError(TunErrorCode.SYSCALL, 'so')), 'so [ERR_TUN_SYSCALL]');
  assert.equal(describeError(Symbol('so')), 'Symbol(so)');
});
