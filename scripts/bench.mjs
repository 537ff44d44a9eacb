/**
 * Compiles the product and the bench and runs it: `npm run bench` (bench/bench.ts says with what).
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildProduct, compile } from './lib/compile.mjs';
import { ROOT } from './lib/project.mjs';

const compiled = join(ROOT, 'build', 'bench', 'bench.js');

if (buildProduct({ say: (text) => console.error(text) }) === 'failed') {
  console.error('The product does not compile: see the compiler errors above.');
  process.exitCode = 1;
} else if (!compile('bench') || !existsSync(compiled)) {
  console.error('The bench does not compile: see the compiler errors above.');
  process.exitCode = 1;
} else {
  await import(pathToFileURL(compiled).href);
}
