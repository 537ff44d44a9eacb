/**
 * Finding `wintun.dll`, and looking at it before it becomes part of this process: a library that is
 * loaded runs with all our rights.
 *
 * The file is held open from before it is looked at until it is loaded, so that nobody can write to
 * it, remove it or put another in its place meanwhile (Windows refuses that to others as long as a
 * handle that does not share writing and deleting is open). It is looked at and loaded where it lies, and not
 * by a path with a link on the way, which could lead elsewhere the second time.
 */

import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TunError, TunErrorCode } from '../../errors.ts';
import { type Signature, verifySignature } from '../../os/authenticode.ts';
import { finalPath, INVALID_HANDLE, kernel32, WinError, winErrorName } from '../../os/win32.ts';
import type { WintunOptions } from '../link.ts';

/** Where users say which DLL it is to be. */
export const DLL_VARIABLE = 'TYPETUN_WINTUN_DLL';
const DLL_NAME = 'wintun.dll';
/** Who publishes it, as the common name in its signer's certificate. */
export const PUBLISHER = 'WireGuard LLC';
/** Where it is to be had. */
export const WHERE_FROM = 'https://www.wintun.net';

/** `GENERIC_READ`, `FILE_SHARE_READ`, `OPEN_EXISTING` (winnt.h, fileapi.h). */
const GENERIC_READ = 0x80000000;
const FILE_SHARE_READ = 1;
const OPEN_EXISTING = 3;

/**
 * Where the machine an executable is for is said: the offset of the PE header at 0x3c, and behind
 * its signature two bytes (PE Format, "MS-DOS Stub", "COFF File Header").
 */
const PE_OFFSET_AT = 0x3c;
const PE_HEAD_BYTES = 0x40;
const PE_SIGNATURE = 0x4550;
const PE_MACHINE_OFFSET = 4;
const PE_MACHINE_END = 6;
const MACHINES: Readonly<Record<number, string>> = {
  332: 'ia32',
  452: 'arm',
  34404: 'x64',
  43620: 'arm64',
};

/** A candidate, and who named it. */
export interface DllPath {
  readonly path: string;
  readonly from: string;
}

/**
 * The DLL to load: that of the option, else of the environment variable, else the first that is there
 * beside the program and the Node executable. What was named and is not there is refused, and no
 * other taken in its place.
 *
 * @throws TunError `NO_DRIVER` when there is none, with where it was looked for; TypeError for a
 * variable that is no whole path.
 */
export function findDll(
  options: WintunOptions,
  environment: NodeJS.ProcessEnv = process.env,
): DllPath {
  const named = namedDll(options, environment);
  if (named !== undefined) {
    if (existsSync(named.path)) return named;
    throw new TunError(TunErrorCode.NO_DRIVER, `there is no ${named.path} (${named.from})`);
  }
  const program = process.argv[1];
  const folders = [...(program === undefined ? [] : [dirname(program)]), dirname(process.execPath)];
  // What is called a program may be any word: of "node -e", whatever comes behind it.
  const paths = folders
    .map((folder) => join(folder, DLL_NAME))
    .filter((one) => WHOLE_PATH.test(one));
  const path = paths.find((one) => existsSync(one));
  if (path !== undefined) return { path, from: 'beside the program' };
  throw new TunError(
    TunErrorCode.NO_DRIVER,
    `${DLL_NAME} is not there; get it from ${WHERE_FROM} and put it beside your program (${paths.join(' or ')}), or name it by ${DLL_VARIABLE} or the option wintun.dll`,
  );
}

const WHOLE_PATH = /^(?:[A-Za-z]:[\\/]|\\\\[^\\/]+[\\/])/;

function namedDll(options: WintunOptions, environment: NodeJS.ProcessEnv): DllPath | undefined {
  if (options.dll !== undefined) return whole(options.dll, 'the option wintun.dll');
  if (options.environment === false) return undefined;
  const path = environment[DLL_VARIABLE];
  return path === undefined || path === '' ? undefined : whole(path, DLL_VARIABLE);
}

function whole(path: string, from: string): DllPath {
  if (WHOLE_PATH.test(path)) return { path, from };
  throw new TypeError(
    `${from} is "${path}"; give the whole path, such as C:\\Program Files\\mine\\${DLL_NAME}`,
  );
}

/** A DLL that is held open. */
export interface HeldDll extends Disposable {
  /** Where it lies. */
  readonly path: string;
  readonly handle: number;
}

/**
 * Opens the file so that others may read it and nothing else.
 *
 * @throws TunError `NO_DRIVER` when it does not open.
 */
export function holdDll(path: string): HeldDll {
  const { createFile, getLastError, closeHandle } = kernel32();
  const handle = createFile(path, GENERIC_READ, FILE_SHARE_READ, null, OPEN_EXISTING, 0, 0);
  if (handle !== INVALID_HANDLE) {
    const close = (): void => void closeHandle(handle);
    try {
      return { path: finalPath(handle), handle, [Symbol.dispose]: close };
    } catch (error) {
      close();
      throw error;
    }
  }
  const errno = getLastError();
  const remedy =
    errno === WinError.SHARING_VIOLATION
      ? 'another program is writing to it'
      : 'may this user read it?';
  throw new TunError(
    TunErrorCode.NO_DRIVER,
    `${path} does not open (${winErrorName(errno)}); ${remedy}`,
    { syscall: 'CreateFileW', errno },
  );
}

/**
 * Refuses a file that is no library for this machine, with words that Windows' own error lacks.
 *
 * @throws TunError `NO_DRIVER`.
 */
export function checkMachine(path: string): void {
  const machine = machineOf(path);
  if (machine === process.arch) return;
  throw new TunError(
    TunErrorCode.NO_DRIVER,
    machine === undefined
      ? `${path} is no Windows program file; get ${DLL_NAME} from ${WHERE_FROM}`
      : `${path} is for ${machine}, and this Node for ${process.arch}; take the one of the folder "${process.arch === 'x64' ? 'amd64' : process.arch}" in what ${WHERE_FROM} offers`,
  );
}

/** The architecture of an executable in Node's words, the number for one it has none for. */
function machineOf(path: string): string | undefined {
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(PE_HEAD_BYTES);
    if (readSync(fd, head, 0, head.length, 0) < head.length) return undefined;
    const header = Buffer.alloc(PE_MACHINE_END);
    const at = head.readUInt32LE(PE_OFFSET_AT);
    if (readSync(fd, header, 0, header.length, at) < header.length) return undefined;
    if (header.readUInt32LE(0) !== PE_SIGNATURE) return undefined;
    const machine = header.readUInt16LE(PE_MACHINE_OFFSET);
    return MACHINES[machine] ?? `machine ${machine}`;
  } finally {
    closeSync(fd);
  }
}

/**
 * Refuses a DLL that its publisher did not sign.
 *
 * @throws TunError `DRIVER_UNTRUSTED` saying what is wrong with it.
 */
export function checkPublisher({ path, handle }: HeldDll): void {
  const signature = verifySignature(path, handle);
  if (signature.state === 'valid' && signature.signer === PUBLISHER) return;
  throw new TunError(
    TunErrorCode.DRIVER_UNTRUSTED,
    `${path} ${inWords(signature)}; get ${DLL_NAME} from ${WHERE_FROM}, or load it all the same with wintun.allowUnsigned`,
  );
}

const HEXADECIMAL = 16;

function inWords(signature: Signature): string {
  switch (signature.state) {
    case 'valid':
      return `is signed by "${signature.signer}" and not by "${PUBLISHER}"`;
    case 'unsigned':
      return 'is not signed';
    case 'tampered':
      return 'was changed after it was signed';
    case 'untrusted':
      return `has a signature that this Windows does not trust (0x${signature.status.toString(HEXADECIMAL)})`;
  }
}
