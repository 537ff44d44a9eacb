import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routedNetworks } from '#dist/os/routes.js';
import { parsePrefix } from '#dist/wire/address.js';

test('every route of the machine is a network, and none is a default', () => {
  for (const text of routedNetworks()) {
    assert.ok(parsePrefix(text).length > 0, text);
  }
});
