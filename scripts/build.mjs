/**
 * Builds the product into `dist` when something changed. All output goes to stderr.
 *
 *   node scripts/build.mjs            also says when there was nothing to do
 *   node scripts/build.mjs --quiet    says nothing unless it fails (npm's "prepare")
 */

import { buildProduct } from './lib/compile.mjs';

const quiet = process.argv.includes('--quiet');
/** @param {string} text */
const say = (text) => process.stderr.write(`typetun: ${text}\n`);

switch (buildProduct(quiet ? {} : { say })) {
  case 'built':
    if (!quiet) say('dist is built');
    break;
  case 'current':
    if (!quiet) say('dist is up to date');
    break;
  case 'no-compiler':
    // `npm ci --omit=dev` in a checkout: prepare must not fail the install for it.
    say('dist is not built, as TypeScript is not installed; run "npm ci" for it');
    process.exitCode = quiet ? 0 : 1;
    break;
  case 'failed':
    say('the build failed: see the compiler errors above');
    process.exitCode = 1;
}
