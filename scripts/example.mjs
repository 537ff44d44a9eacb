/**
 * Builds what is needed and runs one example.
 *
 *   npm run example                  lists them
 *   npm run example -- echo [args]   runs examples/echo.ts
 */

import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildProduct, compile } from './lib/compile.mjs';
import { filesUnder, ROOT } from './lib/project.mjs';

const names = filesUnder('examples', '.ts').map((path) => basename(path, '.ts'));
const [name, ...args] = process.argv.slice(2);

if (name === undefined || !names.includes(name)) {
  if (name !== undefined) process.stderr.write(`There is no example "${name}".\n`);
  const list = names.map((each) => `  npm run example -- ${each}\n`).join('');
  process.stderr.write(`The examples are:\n${list}`);
  process.exitCode = name === undefined ? 0 : 1;
} else if (buildProduct() === 'failed' || !compile('examples')) {
  process.stderr.write('The build failed: see the compiler errors above.\n');
  process.exitCode = 1;
} else {
  const program = join(ROOT, 'build', 'examples', `${name}.js`);
  process.argv = [process.execPath, program, ...args];
  try {
    await import(pathToFileURL(program).href);
  } catch (error) {
    // What typetun refuses says all there is to say; a stack would only bury it.
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!code.startsWith('ERR_TUN_')) throw error;
    process.stderr.write(`${/** @type {Error} */ (error).message}\n`);
    process.exitCode = 1;
  }
}
