/** Kept addresses are right, whoever else needed their place in the table. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Address } from '#dist/os/address.js';

const BASE = fc.integer({ min: 0, max: 2 ** 47 - 1 });
const OFFSET = fc.integer({ min: -12, max: 2 ** 21 });

test('an address is the base and the offset, the first time and later', () => {
  fc.assert(
    fc.property(
      fc.array(BASE, { minLength: 1, maxLength: 4 }),
      fc.array(OFFSET),
      (bases, offsets) => {
        const addresses = bases.map((base) => new Address(base));
        for (let round = 0; round < 2; round++) {
          for (const [i, offset] of offsets.entries()) {
            const which = i % bases.length;
            assert.equal(addresses[which]!.at(offset), bases[which]! + offset);
          }
        }
      },
    ),
  );
});

test('two that need the same place do not mix', () => {
  const places = 2 ** 17 * 4;
  const one = new Address(2 ** 40);
  for (let i = 0; i < 3; i++) {
    assert.equal(one.at(8), 2 ** 40 + 8);
    assert.equal(one.at(8 + places), 2 ** 40 + 8 + places);
    assert.equal(one.at(9), 2 ** 40 + 9);
  }
});
