/**
 * Writes the manual page and docs/cli.md, both made of the definitions of the commands.
 *
 *   npm run docs
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildProduct } from './lib/compile.mjs';
import { ROOT } from './lib/project.mjs';

/** What is printed by `typetun reference`, and where it goes. @type {readonly (readonly [string, string])[]} */
const DOCUMENTS = [
  ['man', 'man/typetun.1'],
  ['markdown', 'docs/cli.md'],
];

if (buildProduct({ say: (text) => console.error(text) }) === 'failed') {
  console.error('The product does not compile: see the compiler errors above.');
  process.exitCode = 1;
} else {
  for (const [form, path] of DOCUMENTS) write(form, join(ROOT, path));
}

/**
 * @param {string} form
 * @param {string} path
 */
function write(form, path) {
  const main = join(ROOT, 'dist', 'cli', 'main.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'reference', form], {
    encoding: 'utf8',
  });
  if (status !== 0) {
    console.error(stderr);
    process.exitCode = 1;
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, stdout);
  console.log(path);
}
