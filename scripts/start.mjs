/**
 * What `npm start` runs: builds if needed, then `typetun demo` with the arguments given.
 *
 *   npm start -- --link memory
 *   npm start --silent -- --json      stdout holds exactly one object
 *
 * The demo runs in this process, so signals reach it and its exit status is this one's.
 */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildProduct } from './lib/compile.mjs';

const main = new URL('../dist/cli/main.js', import.meta.url);
/** @param {string} text */
const say = (text) => process.stderr.write(`typetun: ${text}\n`);

const outcome = buildProduct({ say });
const usable = existsSync(main) && outcome !== 'failed';
if (usable) {
  process.argv = [process.execPath, fileURLToPath(main), 'demo', ...process.argv.slice(2)];
  await import(main.href);
} else {
  say(
    outcome === 'no-compiler'
      ? 'cannot build, as TypeScript is not installed; run "npm ci" first'
      : 'the build failed: see the compiler errors above',
  );
  process.exitCode = 1;
}
