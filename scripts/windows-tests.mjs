/**
 * The Windows link with real Windows builds of Node 20 and 22, under Wine: the contract suite, the
 * faults and the DLL's signature over a stand-in wintun.dll in memory, and the demo's checks over one
 * that carries packets to the Linux kernel, in a network namespace of its own.
 *
 *   npm run test:windows                      all, on both versions
 *   npm run test:windows -- contract          only test files whose path contains this
 *   npm run test:windows -- --no-skips        a skipped test is a failure (or TYPETUN_NO_SKIPS=1)
 *
 * Installs what it needs (scripts/lib/wine.mjs); as root for that the first time, and for the network
 * namespace. Prints what passed, failed and was skipped of each version. Exit status 0 only if all of
 * it ran and none failed.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildProduct, compile } from './lib/compile.mjs';
import { filesUnder, ROOT } from './lib/project.mjs';
import { makeStandins } from './lib/standins.mjs';
import { endWine, must, prepareWindows, runToFile } from './lib/wine.mjs';

const FOLDER = join(ROOT, 'out', 'windows');
const STAGE = join(FOLDER, 'stage');
const STANDINS = join(FOLDER, 'standins');
/** Suites that need nothing of the system, which run on Windows as they do anywhere. */
const PORTABLE = [
  'test/contract/memory.test.ts',
  'test/unit/windows/',
  'test/unit/wire/',
  'test/unit/sync/',
];
/** Their host is the Linux kernel. */
const KERNEL = 'test/windows/kernel/';
const FILE_TIMEOUT_MS = 300_000;
const NETNS = `typetun-windows-${process.pid}`;

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

const { values: options, positionals: fragments } = parseArgs({
  allowPositionals: true,
  options: { 'no-skips': { type: 'boolean', default: process.env['TYPETUN_NO_SKIPS'] === '1' } },
});

const say = (/** @type {string} */ text) => console.error(`test:windows: ${text}`);

process.exitCode = main() ? 0 : 1;

/** @returns {boolean} whether everything passed */
function main() {
  if (buildProduct({ say }) === 'failed' || !compile('tsconfig.test.json')) return false;
  const windows = prepareWindows(FOLDER, say);
  makeStandins(STANDINS, windows.env);
  stage(windows.koffi);
  const env = { ...windows.env, TYPETUN_TEST_FOLDER: windowsPath(STANDINS) };
  const files = wantedFiles();
  if (files.length === 0) {
    console.error('There is no such test file.');
    return false;
  }
  let passed = true;
  for (const { version, path } of windows.nodes) {
    const started = performance.now();
    const total = { passed: 0, failed: 0, skipped: 0 };
    const others = files.filter((file) => !file.startsWith(KERNEL));
    for (const file of others) add(total, run(['wine', path], file, env, version));
    const carried = files.filter((file) => file.startsWith(KERNEL));
    for (const counts of runInNamespace(path, carried, env, version)) add(total, counts);
    const seconds = Math.round((performance.now() - started) / 1000);
    console.log(`Windows Node ${version} under Wine, ${seconds} s: ${inWords(total)}`);
    if (total.failed > 0 || total.passed === 0) passed = false;
    if (options['no-skips'] && total.skipped > 0) passed = false;
  }
  endWine(windows.env);
  return passed;
}

/** Sources, so that a deleted test leaves no trace. */
function wantedFiles() {
  const all = filesUnder('test', '.test.ts').filter(
    (path) => path.startsWith('test/windows/') || PORTABLE.some((start) => path.startsWith(start)),
  );
  return all.filter(
    (path) => fragments.length === 0 || fragments.some((part) => path.includes(part)),
  );
}

/** What the tests run from: the compiled product, and the packages it needs, for Windows. */
function stage(/** @type {string} */ koffi) {
  rmSync(STAGE, { recursive: true, force: true });
  mkdirSync(join(STAGE, 'node_modules', '@koromix'), { recursive: true });
  for (const part of [
    'dist',
    'build/test',
    'package.json',
    'node_modules/commander',
    'node_modules/koffi',
    'node_modules/fast-check',
    'node_modules/pure-rand',
  ]) {
    cpSync(join(ROOT, part), join(STAGE, part), { recursive: true });
  }
  cpSync(koffi, join(STAGE, 'node_modules', '@koromix', 'koffi-win32-x64'), { recursive: true });
}

/**
 * Runs one test file and prints what failed in it.
 *
 * @param {string[]} node how Node is started
 * @param {string} file its source
 * @param {NodeJS.ProcessEnv} env
 * @param {string} version
 * @returns {Counts}
 */
function run(node, file, env, version) {
  const name = `${version}-${basename(file, '.test.ts')}`;
  const [events, output] = [join(FOLDER, `${name}.events`), join(FOLDER, `${name}.out`)];
  rmSync(events, { force: true });
  const args = [
    '--enable-source-maps',
    '--expose-gc',
    `--test-reporter=./test-events.mjs`,
    `--test-reporter-destination=${windowsPath(events)}`,
    `build/${file.replace(/\.ts$/, '.js')}`,
  ];
  cpSync(join(ROOT, 'scripts', 'lib', 'test-events.mjs'), join(STAGE, 'test-events.mjs'));
  const status = runToFile([...node, ...args], {
    env,
    cwd: STAGE,
    output,
    timeoutMs: FILE_TIMEOUT_MS,
  });
  const ends = existsSync(events) ? readFileSync(events, 'utf8').split('\n').filter(Boolean) : [];
  /** @type {import('./lib/test-events.mjs').TestEnd[]} */
  const tests = ends.map((line) => JSON.parse(line));
  const count = (/** @type {string} */ outcome) =>
    tests.filter((end) => end.outcome === outcome).length;
  const counts = { passed: count('pass'), failed: count('fail'), skipped: count('skip') };
  for (const end of tests.filter(({ outcome }) => outcome !== 'pass')) {
    const why = end.outcome === 'skip' ? `skipped: ${end.reason}` : `failed:\n${end.error}`;
    console.log(`${file}: ${end.name}: ${why}`);
  }
  // It ended before its tests did, or hung.
  if (counts.failed === 0 && (status !== 0 || counts.passed + counts.skipped === 0)) {
    counts.failed = 1;
    console.log(`${file} ended with ${status}:\n${readFileSync(output, 'utf8')}`);
  }
  console.log(`  ${file}: ${inWords(counts)}`);
  return counts;
}

/**
 * The files whose host is the kernel, in a network namespace of their own.
 *
 * @param {string} path of Node
 * @param {string[]} files
 * @param {NodeJS.ProcessEnv} env
 * @param {string} version
 * @returns {Counts[]}
 */
function runInNamespace(path, files, env, version) {
  if (files.length === 0) return [];
  const why = namespaceRefusal();
  if (why !== undefined) {
    for (const file of files) console.log(`  ${file}: skipped: ${why}`);
    return files.map(() => ({ passed: 0, failed: 0, skipped: 1 }));
  }
  // Wine's server makes its sockets: it has to be in there as well.
  endWine(env);
  must('ip', ['netns', 'add', NETNS]);
  try {
    must('ip', ['-n', NETNS, 'link', 'set', 'lo', 'up']);
    const node = ['ip', 'netns', 'exec', NETNS, 'wine', path];
    return files.map((file) => run(node, file, env, version));
  } finally {
    endWine(env);
    must('ip', ['netns', 'del', NETNS]);
  }
}

/** @returns {string | undefined} why no network namespace can be had */
function namespaceRefusal() {
  if (process.getuid?.() !== 0) return 'needs root, for a network namespace and the TUN device';
  if (!existsSync('/dev/net/tun')) return 'needs /dev/net/tun';
  return spawnSync('ip', ['-V']).status === 0 ? undefined : 'needs ip (iproute2)';
}

/** A path of this machine as Wine has it. */
function windowsPath(/** @type {string} */ path) {
  return `Z:${path.replaceAll('/', '\\')}`;
}

function add(/** @type {Counts} */ total, /** @type {Counts} */ counts) {
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}

function inWords(/** @type {Counts} */ { passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
