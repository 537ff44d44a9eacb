import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guidBytes, guidText } from '#dist/link/windows/guid.js';

test('a GUID lies in memory as Windows has it, and comes back as it was written', () => {
  const text = '00aac56b-cd44-11d0-8cc2-00c04fc295ee';
  const bytes = guidBytes(text);
  assert.equal(Buffer.from(bytes).toString('hex'), '6bc5aa0044cdd0118cc200c04fc295ee');
  assert.equal(guidText(bytes), text);
  assert.equal(bytes[0], 0x6b, 'reading it changes nothing');
});
