/**
 * Compiles product and tests and runs test suites on the compiled output.
 *
 *   npm test                                  every suite; kernel tests skip without root
 *   npm test -- --suite unit,model            these suites
 *   npm test -- wire/checksum                 only test files whose path contains this
 *   npm test -- --name 'drops the oldest'     only tests whose name matches
 *   npm test -- --no-skips                    a skipped test is a failure (or TYPETUN_NO_SKIPS=1)
 *
 * Exit status 0 only if everything compiled, at least one test ran in every file, and none failed.
 * The list of files is made here: `node --test <folder>` and quoted globs mean different things in
 * Node 20 and 24.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { buildProduct, compile } from './lib/compile.mjs';
import { UNMATCHED } from './lib/named-tests.mjs';
import { filesUnder, ROOT, runNode } from './lib/project.mjs';
import { parse, refuse as refuseCall } from './lib/usage.mjs';

/**
 * Suites whose files run side by side: they share no interface, address or clock. Those of `kernel`
 * mostly wait, each in network namespaces of its own.
 */
const PARALLEL = ['unit', 'model', 'contract', 'api', 'service', 'kernel', 'race'];
/** Suites whose files run one after the other: they measure, or use the machine's interfaces. */
const SEQUENTIAL = ['alloc', 'cli', 'view', 'examples', 'package', 'fuzz'];
/** Test files at a time. Two, as the smallest machine we build on has two cores. */
const PARALLEL_FILES = 2;
/** A test that takes longer hangs (in Node 20 and 22, a file): the slowest take a minute. */
const TEST_TIMEOUT_MS = 300_000;
/** So does a run: from Node 24 on nothing else ends a file that never exits. */
const RUN_TIMEOUT_MS = 1_200_000;
const USAGE = `usage: npm test [-- [FRAGMENT...] [--suite NAMES] [--name TEXT] [--no-skips]]

Every suite; what needs root or a missing tool is skipped, and named at the end with its reason.

  FRAGMENT        only test files whose path contains this, such as wire/checksum
  --suite NAMES   only these, separated by commas:
                  ${[...PARALLEL, ...SEQUENTIAL].join(', ')}
  --name TEXT     only tests whose name matches this
  --no-skips      a skipped test is a failure`;

const { values: options, positionals: fragments } = parse(USAGE, {
  allowPositionals: true,
  options: {
    suite: { type: 'string', multiple: true },
    name: { type: 'string' },
    'no-skips': { type: 'boolean', default: process.env['TYPETUN_NO_SKIPS'] === '1' },
  },
});

/** What is wrong beyond failed tests, to be said at the end. @type {string[]} */
const problems = [];

process.exitCode = main() ? 0 : 1;

/** @returns {boolean} whether everything passed */
function main() {
  const suites = wantedSuites();
  if (buildProduct({ say: (text) => console.error(text) }) === 'failed') {
    return refuse('The product does not compile: see the compiler errors above.');
  }
  if (!compile('tsconfig.test.json')) {
    return refuse('The tests do not compile: see the compiler errors above.');
  }
  /** @type {import('./lib/test-events.mjs').TestEnd[]} */
  const ends = [];
  let passed = true;
  for (const [group, concurrency] of /** @type {const} */ ([
    [PARALLEL, PARALLEL_FILES],
    [SEQUENTIAL, 1],
  ])) {
    const files = group.filter((suite) => suites.includes(suite)).flatMap(testFiles);
    if (files.length > 0) passed = run(files, concurrency, ends) && passed;
  }
  const empty = options.suite === undefined ? [] : suites.filter((suite) => !testFiles(suite)[0]);
  problems.push(...empty.map((suite) => `The suite "${suite}" has no such test file.`));
  return sumUp(ends) && passed && problems.length === 0;
}

/** @returns {string[]} */
function wantedSuites() {
  const known = [...PARALLEL, ...SEQUENTIAL];
  const suites = options.suite?.flatMap((names) => names.split(',')) ?? known;
  const unknown = suites.find((suite) => !known.includes(suite));
  if (unknown === undefined) return suites;
  return refuseCall(`There is no suite "${unknown}"; the suites are ${known.join(', ')}.`, USAGE);
}

/** The compiled test files of a suite, from its sources: a deleted test leaves no trace. */
function testFiles(/** @type {string} */ suite) {
  return filesUnder(`test/${suite}`, '.test.ts')
    .filter((path) => fragments.length === 0 || fragments.some((part) => path.includes(part)))
    .map((path) => `build/${path.replace(/\.ts$/, '.js')}`);
}

/**
 * Runs files and adds what ended to `ends`.
 *
 * @param {string[]} files
 * @param {number} concurrency
 * @param {import('./lib/test-events.mjs').TestEnd[]} ends
 */
function run(files, concurrency, ends) {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-test-'));
  const events = join(folder, 'events');
  try {
    const status = runNode(
      [
        '--enable-source-maps',
        '--expose-gc',
        '--test',
        `--test-concurrency=${concurrency}`,
        `--test-timeout=${TEST_TIMEOUT_MS}`,
        `--test-reporter=${options.name === undefined ? 'spec' : library('named-tests')}`,
        '--test-reporter-destination=stdout',
        `--test-reporter=${library('test-events')}`,
        `--test-reporter-destination=${events}`,
        ...(options.name === undefined ? [] : [`--test-name-pattern=${options.name}`]),
        ...files,
      ],
      { timeoutMs: RUN_TIMEOUT_MS },
    );
    const lines = existsSync(events) ? readFileSync(events, 'utf8').split('\n') : [];
    const ended = lines
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
      .filter((end) => end.reason !== UNMATCHED);
    ends.push(...ended);
    noteSilentFiles(ended);
    return status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The address of a module in lib/. */
function library(/** @type {string} */ name) {
  return new URL(`lib/${name}.mjs`, import.meta.url).href;
}

/** A file that holds no test, or ends before its tests, passes in Node's eyes. Not in ours. */
function noteSilentFiles(/** @type {import('./lib/test-events.mjs').TestEnd[]} */ ended) {
  if (options.name !== undefined) return;
  const silent = ended.filter((end) => end.isFile && end.outcome === 'pass');
  problems.push(...silent.map((end) => `${shortName(end.file)} ran no test.`));
}

/** Names skipped tests with their reasons, counts, and judges. */
function sumUp(/** @type {import('./lib/test-events.mjs').TestEnd[]} */ ends) {
  const tests = ends.filter((end) => !end.isFile);
  const skipped = tests.filter((end) => end.outcome === 'skip');
  const failed = ends.filter((end) => end.outcome === 'fail');
  if (skipped.length > 0) console.log(`\nSkipped:`);
  for (const { file, name, reason } of skipped) {
    console.log(`  ${shortName(file)}: ${name}\n    ${reason}`);
  }
  if (failed.length > 0) console.log(`\nFailed:`);
  for (const { file, name, error } of failed) {
    console.log(`  ${shortName(file)}: ${name}\n${(error ?? '').replace(/^/gm, '    ')}`);
  }
  const ran = tests.length - skipped.length;
  console.log(`\n${ran} ran, ${failed.length} failed, ${skipped.length} skipped.`);
  for (const problem of problems) refuse(problem);
  if (ran === 0) return refuse('No test ran.');
  if (options['no-skips'] && skipped.length > 0) {
    return refuse('Tests were skipped, and --no-skips allows none.');
  }
  return failed.length === 0;
}

/** `test/unit/x.test` for a compiled or a source path: Node reports the one or the other. */
function shortName(/** @type {string} */ file) {
  const path = relative(ROOT, resolve(ROOT, file)).split(sep).join('/');
  return path.replace(/^build\//, '').replace(/\.[jt]s$/, '');
}

function refuse(/** @type {string} */ message) {
  console.error(message);
  return false;
}
