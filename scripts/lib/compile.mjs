/** Compiling: the product into `dist`, tests and examples into `build`. It prints to stderr. */

import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildKernels, GENERATED_KERNELS } from './kernels.mjs';
import { filesUnder, ROOT, runTool, toolPath } from './project.mjs';

/** What the product was last built from. Not in `dist`, which is published. */
const STAMP = join(ROOT, 'build', 'dist.stamp');
const COMMAND = join(ROOT, 'dist', 'cli', 'main.js');
/** Compiled to WebAssembly instead (kernels.mjs). */
const ASSEMBLY = 'src/wire/kernels/assembly/';
/** What runs in browsers: with their types, and without Node's. */
const PAGE = 'src/observe/page/tsconfig.json';
const EXECUTABLE_MODE = 0o755;
/** What one source file becomes (tsconfig.json: declarations and maps). */
const OUTPUT_ENDINGS = ['.js', '.js.map', '.d.ts', '.d.ts.map'];

/**
 * Compiles one TypeScript project.
 *
 * @param {string} project a tsconfig file or its folder
 * @returns {boolean} false when the compiler reported an error
 */
export function compile(project) {
  return runTool('typescript', 'tsc', ['-p', project], { stdout: 'stderr' }) === 0;
}

/**
 * Brings `dist` up to date. Files are written in place and stale ones removed afterwards, so that a
 * program that runs from `dist` meanwhile never finds it empty.
 *
 * @param {{ say?: (text: string) => void }} [options]
 * @returns {'built' | 'current' | 'no-compiler' | 'failed'}
 */
export function buildProduct({ say = () => {} } = {}) {
  if (toolPath('typescript', 'tsc') === undefined) return 'no-compiler';
  const wanted = fingerprint();
  if (wanted === lastBuilt() && missing().length === 0) return 'current';
  say('building dist');
  if (!buildKernels()) return 'failed';
  const compiled = compile('tsconfig.json') && compile(PAGE);
  if (existsSync(COMMAND)) chmodSync(COMMAND, EXECUTABLE_MODE);
  if (!compiled) return 'failed';
  removeStale();
  mkdirSync(dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, wanted);
  return 'built';
}

/** @returns {string[]} every file that `dist` must hold */
function outputs() {
  const sources = filesUnder('src', '.ts').filter((path) => !path.startsWith(ASSEMBLY));
  return sources.flatMap((source) => {
    const stem = source.replace(/^src/, 'dist').replace(/\.ts$/, '');
    return OUTPUT_ENDINGS.map((ending) => stem + ending);
  });
}

function missing() {
  return outputs().filter((path) => !existsSync(join(ROOT, path)));
}

function removeStale() {
  const expected = new Set(outputs());
  for (const path of filesUnder('dist')) {
    if (!expected.has(path)) rmSync(join(ROOT, path), { force: true });
  }
}

/** Of contents, not times: the times of a fresh clone, a copy or another branch tell nothing. */
function fingerprint() {
  const hash = createHash('sha256');
  const compiler = 'node_modules/typescript/package.json';
  const sources = filesUnder('src').filter((path) => path !== GENERATED_KERNELS);
  const tools = ['scripts/lib/kernels.mjs', compiler];
  for (const path of [...sources, 'tsconfig.json', 'tsconfig.base.json', ...tools]) {
    hash
      .update(path)
      .update('\0')
      .update(readFileSync(join(ROOT, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

function lastBuilt() {
  return existsSync(STAMP) ? readFileSync(STAMP, 'utf8') : undefined;
}
