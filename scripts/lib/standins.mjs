/**
 * The stand-in DLLs of test/windows/standin: compiled, and signed by certificates that are made here
 * and mean nothing to anybody.
 */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './project.mjs';
import { must, runToFile } from './wine.mjs';

const SOURCES = join(ROOT, 'test', 'windows', 'standin');
const COMPILER = 'x86_64-w64-mingw32-gcc';
const FLAGS = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-O2'];
const LAYOUT_MS = 60_000;

/** Signers: the file of their certificate, and whom it names. */
const SIGNERS = /** @type {const} */ ([
  ['signed', '/O=WireGuard LLC/CN=WireGuard LLC'],
  ['other', '/O=WireGuard LLC/CN=Somebody Else Ltd'],
  ['near', '/CN=WireGuard LLC Trading'],
  ['unit', '/O=WireGuard LLC/OU=WireGuard LLC/CN=Somebody'],
]);

/** Where the machine is said in a program's header, and what arm64 is called there (PE Format). */
const PE_OFFSET_AT = 0x3c;
const PE_MACHINE_OFFSET = 4;
const MACHINE_ARM64 = 0xaa64;

/**
 * Makes all files the tests look for in `folder`.
 *
 * @param {string} folder
 * @param {NodeJS.ProcessEnv} env for Wine, under which the compiler's layout is printed
 */
export function makeStandins(folder, env) {
  mkdirSync(folder, { recursive: true });
  const at = (/** @type {string} */ name) => join(folder, name);
  library(at('memory.dll'), ['standin.c', 'memory.c', 'standin.def', 'memory.def']);
  library(at('kernel.dll'), ['standin.c', 'kernel.c', 'standin.def', 'kernel.def']);
  library(at('old-unsigned.dll'), ['old.c']);
  copyFileSync(at('memory.dll'), at('unsigned.dll'));
  for (const [name, subject] of SIGNERS) {
    certificate(folder, name, subject);
    sign(folder, name, 'unsigned.dll', `${name}.dll`);
  }
  sign(folder, 'signed', 'old-unsigned.dll', 'old.dll');
  writeFileSync(at('tampered.dll'), tampered(readFileSync(at('signed.dll'))));
  writeFileSync(at('arm64.dll'), forArm64(readFileSync(at('signed.dll'))));
  writeFileSync(
    at('text.dll'),
    'This is no library, but long enough to be looked at as one. '.repeat(9),
  );
  writeFileSync(at('empty.dll'), '');
  must(COMPILER, [...FLAGS, '-o', at('layout.exe'), join(SOURCES, 'layout.c')]);
  const output = at('layout.json');
  const status = runToFile(['wine', at('layout.exe')], {
    env,
    cwd: folder,
    output,
    timeoutMs: LAYOUT_MS,
  });
  if (status !== 0) throw new Error(`layout.exe ended with ${status}`);
}

function library(/** @type {string} */ path, /** @type {string[]} */ sources) {
  const files = sources.map((name) => join(SOURCES, name));
  must(COMPILER, [...FLAGS, '-shared', '-o', path, ...files]);
}

function certificate(
  /** @type {string} */ folder,
  /** @type {string} */ name,
  /** @type {string} */ subject,
) {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  must('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-sha256'],
    ...['-subj', subject, '-addext', 'extendedKeyUsage=codeSigning', '-keyout', key, '-out', cert],
  ]);
}

/**
 * @param {string} folder
 * @param {string} signer
 * @param {string} from
 * @param {string} to
 */
function sign(folder, signer, from, to) {
  const at = (/** @type {string} */ name) => join(folder, name);
  // It writes no file that is there.
  must('osslsigncode', [
    ...['sign', '-h', 'sha256', '-certs', at(`${signer}.pem`), '-key', at(`${signer}.key`)],
    ...['-in', at(from), '-out', at(`${to}.new`)],
  ]);
  must('mv', [at(`${to}.new`), at(to)]);
}

/** One bit of the code is different. */
function tampered(/** @type {Buffer} */ dll) {
  const middle = dll.length >>> 1;
  dll[middle] = (dll[middle] ?? 0) ^ 1;
  return dll;
}

function forArm64(/** @type {Buffer} */ dll) {
  dll.writeUInt16LE(MACHINE_ARM64, dll.readUInt32LE(PE_OFFSET_AT) + PE_MACHINE_OFFSET);
  return dll;
}
