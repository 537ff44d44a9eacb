/**
 * Compiles the product and the verifier and runs one of its programs on the compiled output.
 *
 *   npm run sdv                         the Static Driver Verifier
 *   npm run sdv -- --mutants
 *   npm run dvl                         the verifier and its log in out/
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildProduct, compile } from './lib/compile.mjs';
import { ROOT } from './lib/project.mjs';
import { explained, helpIfWanted } from './lib/usage.mjs';

const SDV_USAGE = `usage: npm run sdv [-- OPTIONS]

Explores the interleavings of the driver's concurrent code, rule by rule (docs/verifier.md).

  --scenario NAME      this scenario alone; may be given again
  --replay SCHEDULE    runs one schedule of the scenario again, as a violation prints it
  --mutants            and all planted mistakes, each of which must be caught
  --seed N             of the random walks; default 1
  --json FILE          writes the report there`;
const DVL_USAGE = `usage: npm run dvl [-- --out DIR]

Runs the verifier, all scenarios and all mutants, and writes its log, typetun.DVL.xml and .json.

  --out DIR   where to; default out`;

const [program = '', ...args] = process.argv.slice(2);
const compiled = join(ROOT, 'build', 'verify', `${program}.js`);
const usage = program === 'dvl' ? DVL_USAGE : SDV_USAGE;

helpIfWanted(usage);
if (buildProduct({ say: (text) => console.error(text) }) === 'failed') {
  console.error('The product does not compile: see the compiler errors above.');
  process.exitCode = 1;
} else if (!compile('verify') || !existsSync(compiled)) {
  console.error('The verifier does not compile: see the compiler errors above.');
  process.exitCode = 1;
} else {
  process.argv = [process.execPath, compiled, ...args];
  await explained(usage, () => import(pathToFileURL(compiled).href));
}
