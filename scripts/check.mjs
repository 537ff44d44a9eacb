/**
 * What must pass before a commit, quickest first; ends at the first step that fails.
 *
 *   npm run check
 *   npm run check -- --no-tests     format, lint and compile alone
 */

import { runNode, runTool } from './lib/project.mjs';
import { parse } from './lib/usage.mjs';

const USAGE = `usage: npm run check [-- --no-tests]

Format, lint, types, and the tests that need no privilege: what must pass before a commit.

  --no-tests   format, lint and compile alone`;

/** Suites that need no privilege and little time; `npm test` runs all there are. */
const SUITES = 'unit,contract,model,api,package,race';
const MS_PER_SECOND = 1000;
const DECIMALS = 1;
const NAME_COLUMNS = 18;

/** @typedef {readonly [name: string, run: () => number]} Step */

/** @type {readonly Step[]} */
const CHECKS = [
  ['format', () => runTool('@biomejs/biome', 'biome', ['format', '.'])],
  ['lint', () => runTool('@biomejs/biome', 'biome', ['lint', '--error-on-warnings', '.'])],
  ['compile', () => runNode(['scripts/build.mjs'])],
  ['compile tests', () => runTool('typescript', 'tsc', ['-p', 'tsconfig.test.json'])],
  ['compile verifier', () => runTool('typescript', 'tsc', ['-p', 'verify'])],
  ['compile bench', () => runTool('typescript', 'tsc', ['-p', 'bench'])],
  ['check scripts', () => runTool('typescript', 'tsc', ['-p', 'scripts'])],
  ['lint types', () => runTool('oxlint', 'oxlint', ['--type-aware', '--deny-warnings', '.'])],
];

/** @type {readonly Step[]} */
const TESTS = [['tests', () => runNode(['scripts/test.mjs', '--suite', SUITES])]];

const { values: options } = parse(USAGE, {
  options: { 'no-tests': { type: 'boolean', default: false } },
});

/** @type {string[]} */
const times = [];
for (const [name, run] of [...CHECKS, ...(options['no-tests'] ? [] : TESTS)]) {
  const started = performance.now();
  const passed = run() === 0;
  const seconds = ((performance.now() - started) / MS_PER_SECOND).toFixed(DECIMALS);
  times.push(`  ${name.padEnd(NAME_COLUMNS)}${passed ? 'ok    ' : 'FAILED'} ${seconds} s`);
  if (passed) continue;
  console.error(`\ncheck failed at "${name}"`);
  process.exitCode = 1;
  break;
}
console.log(`\n${times.join('\n')}`);
