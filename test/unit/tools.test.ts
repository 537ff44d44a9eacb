/** Tests that measure against the system's own tools skip, with the reason, where one is missing. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Starting a tool: its name as a word of a command. `curl` is started through a shell. */
const STARTS = { ping: /'ping'/, iperf3: /'iperf3'/, curl: /[`']curl / } as const;

const files = ['kernel', 'race', 'alloc'].flatMap((suite) =>
  readdirSync(`${ROOT}test/${suite}`)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `test/${suite}/${name}`),
);

for (const [tool, starts] of Object.entries(STARTS)) {
  test(`every test file that starts ${tool} skips without it`, () => {
    const users = files.filter((file) => starts.test(withoutSkips(file)));
    assert.ok(users.length > 0, `no file starts ${tool}: this test looks for the wrong words`);
    assert.deepEqual(
      users.filter((file) => !skips(file).some((words) => words.includes(`'${tool}'`))),
      [],
    );
  });
}

function skips(file: string): string[] {
  return (
    readFileSync(ROOT + file, 'utf8').match(/(?:root|rootless|unprivileged)Skip\([^)]*\)/g) ?? []
  );
}

function withoutSkips(file: string): string {
  return readFileSync(ROOT + file, 'utf8').replaceAll(
    /(?:root|rootless|unprivileged)Skip\([^)]*\)/g,
    '',
  );
}
