import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Adapter } from 'typetun';

test('the in-process link splits nothing, and has nothing to carry', async () => {
  for (const offload of ['split', 'off'] as const) {
    await using adapter = await Adapter.create({ link: 'memory', offload });
    assert.equal(adapter.properties.offload, 'off');
  }
  await assert.rejects(Adapter.create({ link: 'memory', offload: 'carry' }), {
    code: 'ERR_TUN_UNSUPPORTED',
    message: /makes no super-packets.*leave offload out/,
  });
});
