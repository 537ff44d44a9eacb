/**
 * Builds what is needed and runs one example.
 *
 *   npm run example                  lists them
 *   npm run example -- echo [args]   runs examples/echo.ts
 */

import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildProduct, compile } from './lib/compile.mjs';
import { filesUnder, ROOT } from './lib/project.mjs';
import { helpIfWanted, refuse } from './lib/usage.mjs';

const names = filesUnder('examples', '.ts').map((path) => basename(path, '.ts'));
const [name, ...args] = process.argv.slice(2);

const list = names.map((each) => `  npm run example -- ${each}`).join('\n');
const usage = `The examples are:\n${list}`;

if (name === undefined || name === '--help') {
  console.log(usage);
} else if (!names.includes(name)) {
  refuse(`There is no example "${name}".`, usage);
} else if (!build(name, args)) {
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

/**
 * Most examples take no arguments and are too short to say so themselves.
 *
 * @param {string} name
 * @param {string[]} args
 */
function build(name, args) {
  const source = readFileSync(join(ROOT, 'examples', `${name}.ts`), 'utf8');
  if (!source.includes('parseArgs(')) {
    const about = `usage: npm run example -- ${name}\n\n${headOf(source)}`;
    helpIfWanted(about, args);
    if (args.length > 0) refuse(`The example takes no arguments, such as "${args[0]}".`, about);
  }
  return buildProduct() !== 'failed' && compile('examples');
}

/** The text of the comment that a source begins with. @param {string} source */
function headOf(source) {
  const [, comment = ''] = /^\/\*\*(.*?)\*\//s.exec(source) ?? [];
  return comment.replace(/^ *\* ?/gm, '').trim();
}
