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

const [program = '', ...args] = process.argv.slice(2);
const compiled = join(ROOT, 'build', 'verify', `${program}.js`);

if (buildProduct({ say: (text) => console.error(text) }) === 'failed') {
  console.error('The product does not compile: see the compiler errors above.');
  process.exitCode = 1;
} else if (!compile('verify') || !existsSync(compiled)) {
  console.error('The verifier does not compile: see the compiler errors above.');
  process.exitCode = 1;
} else {
  process.argv = [process.execPath, compiled, ...args];
  await import(pathToFileURL(compiled).href);
}
