/** Numbers and tables for people. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBitRate, formatBytes, formatCount, formatRate } from '#dist/cli/format/quantity.js';
import { listLines, tableLines } from '#dist/cli/format/table.js';
import { terminalOf } from '#dist/cli/terminal.js';

/** One that nobody watches. */
const PLAIN = terminalOf({ isTTY: false } as NodeJS.WriteStream);

test('bytes are shown in binary units, with a decimal while there are few', () => {
  const shown = [0, 1023, 1024, 1536, 102_400, 2 ** 30, 2 ** 60].map(formatBytes);
  assert.deepEqual(shown, [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '100 KiB',
    '1.0 GiB',
    '1024 PiB',
  ]);
});

test('rates are shown in decimal units, bytes as bits', () => {
  assert.deepEqual([0, 125, 125_000].map(formatBitRate), ['0 bit/s', '1.0 kbit/s', '1.0 Mbit/s']);
  assert.deepEqual([0, 999, 1500, 2e6].map(formatRate), ['0/s', '999/s', '1.5 k/s', '2.0 M/s']);
});

test('one of a thing is singular', () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => formatCount(count, 'packet')),
    ['0 packets', '1 packet', '2 packets'],
  );
});

test('columns are as wide as what is in them, numbers at their right edge', () => {
  const columns = [{ heading: 'NAME' }, { heading: 'MTU', right: true }, { heading: 'LAST' }];
  const rows = [
    ['a', '1500', ''],
    ['longer', '576', 'x'],
  ];
  assert.deepEqual(tableLines(PLAIN, columns, rows), [
    'NAME     MTU  LAST',
    'a       1500',
    'longer   576  x',
  ]);
  assert.deepEqual(tableLines(PLAIN, columns, []), ['NAME  MTU  LAST']);
});

test('a list leaves out what is not there', () => {
  const values = [
    ['one', '1'],
    ['gone', undefined],
    ['three', '3'],
  ] as const;
  assert.deepEqual(listLines(PLAIN, 'title', values), ['title', '  one    1', '  three  3']);
});
