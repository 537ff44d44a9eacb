/** Policy modules: what is loaded and what is refused, with the remedy. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { isTunError, TunErrorCode } from 'typetun';
import { loadPolicy, type Policy } from 'typetun/run';

const folder = mkdtempSync(join(tmpdir(), 'typetun-policy-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function load(name: string, text: string): Promise<Policy> {
  const file = join(folder, name);
  writeFileSync(file, text);
  return loadPolicy(pathToFileURL(file));
}

const stripsTypes = 'typescript' in process.features && process.features.typescript !== false;

test('a module with a function "flow", "packet" or both is a policy', async () => {
  const policy = await load(
    'both.mjs',
    'export const flow = () => "drop"; export function packet() {}',
  );
  assert.equal(policy.flow?.({} as never), 'drop');
  assert.equal(typeof policy.packet, 'function');
  assert.deepEqual(Object.keys(await load('one.mjs', 'export const flow = () => "allow";')), [
    'flow',
  ]);
});

for (const [name, text, message] of [
  ['none.mjs', 'export const flows = 1;', /exports neither "flow" nor "packet"/],
  ['number.mjs', 'export const flow = 1;', /exports "flow" as number; make it a function/],
  ['wrong.mjs', 'export const flow = (;', /does not load: .*token/],
  ['throws.mjs', 'throw new Error("at once");', /does not load: at once/],
  ['policy.txt', 'export const flow = () => "allow";', /is no module; give a file that ends in/],
] as const) {
  test(`${name} is refused, with what is wrong`, async () => {
    await assert.rejects(load(name, text), (error) => {
      assert.ok(isTunError(error, TunErrorCode.POLICY));
      assert.match(error.message, message);
      return true;
    });
  });
}

test('TypeScript is loaded where this Node strips types, and refused with that remedy elsewhere', async () => {
  const loading = load('typed.ts', 'export const flow = (a: unknown): string => "allow";');
  if (stripsTypes) assert.deepEqual(Object.keys(await loading), ['flow']);
  else await assert.rejects(loading, /is TypeScript, and Node v\S+ strips no types; compile it/);
});
