/**
 * What typetun calls of Windows' kernel32, bound once per thread. Thin: each returns what the Windows
 * function returns; {@link Kernel32.getLastError} is to be read straight after a failure. Handles and
 * module addresses are plain numbers: handles are small, addresses of user space stay below 2^53.
 *
 * None of the waits may last longer than `MAX_BLOCK_MS`.
 *
 * Source: Microsoft Learn, Win32 API reference, under each function's name.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import { type FfiLibrary, ffi } from './ffi.ts';

export interface Kernel32 {
  getLastError(): number;
  /** Returns the handle, or {@link INVALID_HANDLE}. */
  createFile(
    path: string,
    access: number,
    share: number,
    security: null,
    disposition: number,
    flags: number,
    template: number,
  ): number;
  /** Returns the characters, without the terminating zero; what does not fit is not written. 0 on failure. */
  getFinalPath(file: number, path: Uint16Array, characters: number, flags: number): number;
  closeHandle(handle: number): number;
  /** Returns the module, 0 when it does not load. */
  loadLibrary(path: string, file: number, flags: number): number;
  freeLibrary(module: number): number;
  /** The address of a function of a module, 0 when it has none of that name. */
  getProcAddress(module: number, name: string): number;
  getModuleHandle(name: string): number;
  getSystemDirectory(path: Uint16Array, characters: number): number;
  /** Copies between addresses, which may overlap. */
  moveMemory(to: number, from: number, bytes: number): void;
  /** Copies from an address into a view. */
  readMemory(to: Uint8Array, from: number | bigint, bytes: number): void;
  createEvent(security: null, manualReset: number, initial: number, name: null): number;
  setEvent(event: number): number;
  resetEvent(event: number): number;
  /** `handles` is an array of handles, 8 bytes each. */
  waitForAny(count: number, handles: BigUint64Array, all: number, timeoutMs: number): number;
  duplicateHandle(
    fromProcess: number,
    handle: number,
    toProcess: number,
    duplicate: BigUint64Array,
    access: number,
    inherit: number,
    options: number,
  ): number;
  createCompletionPort(file: number, port: number, key: number, threads: number): number;
  getCompletion(
    port: number,
    bytes: Uint32Array,
    key: BigUint64Array,
    overlapped: BigUint64Array,
    timeoutMs: number,
  ): number;
}

/** `INVALID_HANDLE_VALUE` (handleapi.h). */
export const INVALID_HANDLE = -1;
/** `WAIT_OBJECT_0`: the first of the objects waited for; those behind it follow (synchapi.h). */
export const WAIT_OBJECT_0 = 0;
/** `WAIT_TIMEOUT` (winerror.h). */
export const WAIT_TIMEOUT = 258;

/** Error numbers that are handled by name (winerror.h). */
export const WinError = {
  SUCCESS: 0,
  FILE_NOT_FOUND: 2,
  PATH_NOT_FOUND: 3,
  ACCESS_DENIED: 5,
  INVALID_DATA: 13,
  SHARING_VIOLATION: 32,
  HANDLE_EOF: 38,
  NOT_SUPPORTED: 50,
  INVALID_PARAMETER: 87,
  BUFFER_OVERFLOW: 111,
  ALREADY_EXISTS: 183,
  BAD_EXE_FORMAT: 193,
  NO_MORE_ITEMS: 259,
  NOT_FOUND: 1168,
  ALREADY_INITIALIZED: 1247,
  OBJECT_ALREADY_EXISTS: 5010,
} as const;

/** Longest path of the system's folder that is asked for, in characters (`MAX_PATH`). */
const SYSTEM_PATH_CHARACTERS = 260;

/** The longest path there is, in characters, and how one begins that is taken literally (naming files). */
const LONGEST_PATH_CHARACTERS = 0x8000;
const LITERAL_PREFIX = /^\\\\\?\\/;
const NETWORK_PREFIX = /^\\\\\?\\UNC\\/;

let bound: Kernel32 | undefined;
const libraries = new Map<string, FfiLibrary>();

/**
 * kernel32, bound at first use.
 *
 * @throws TunError `NO_FFI` without the FFI package.
 */
export function kernel32(): Kernel32 {
  bound ??= bindKernel32();
  return bound;
}

function bindKernel32(): Kernel32 {
  // One of the "known DLLs", which Windows finds nowhere but in its own folder.
  const library = ffi().load('kernel32.dll');
  const bind = (prototype: string): never => library.func(prototype) as never;
  return {
    getLastError: bind('uint32 GetLastError()'),
    createFile: bind(
      'intptr_t CreateFileW(const char16_t *path, uint32 access, uint32 share, void *security, uint32 disposition, uint32 flags, uintptr_t template)',
    ),
    getFinalPath: bind(
      'uint32 GetFinalPathNameByHandleW(intptr_t file, void *path, uint32 characters, uint32 flags)',
    ),
    closeHandle: bind('int CloseHandle(uintptr_t handle)'),
    loadLibrary: bind(
      'uintptr_t LoadLibraryExW(const char16_t *path, uintptr_t file, uint32 flags)',
    ),
    freeLibrary: bind('int FreeLibrary(uintptr_t module)'),
    getProcAddress: bind('uintptr_t GetProcAddress(uintptr_t module, const char *name)'),
    getModuleHandle: bind('uintptr_t GetModuleHandleW(const char16_t *name)'),
    getSystemDirectory: bind('uint32 GetSystemDirectoryW(void *path, uint32 characters)'),
    moveMemory: bind('void RtlMoveMemory(uintptr_t to, uintptr_t from, size_t bytes)'),
    readMemory: bind('void RtlMoveMemory(void *to, uintptr_t from, size_t bytes)'),
    createEvent: bind(
      'uintptr_t CreateEventW(void *security, int manualReset, int initial, void *name)',
    ),
    setEvent: bind('int SetEvent(uintptr_t event)'),
    resetEvent: bind('int ResetEvent(uintptr_t event)'),
    waitForAny: bind(
      'uint32 WaitForMultipleObjects(uint32 count, void *handles, int all, uint32 timeoutMs)',
    ),
    duplicateHandle: bind(
      'int DuplicateHandle(intptr_t fromProcess, uintptr_t handle, intptr_t toProcess, void *duplicate, uint32 access, int inherit, uint32 options)',
    ),
    createCompletionPort: bind(
      'uintptr_t CreateIoCompletionPort(intptr_t file, uintptr_t port, uintptr_t key, uint32 threads)',
    ),
    getCompletion: bind(
      'int GetQueuedCompletionStatus(uintptr_t port, void *bytes, void *key, void *overlapped, uint32 timeoutMs)',
    ),
  };
}

/**
 * A library of the system's own, by its whole path: by its bare name Windows would look beside the
 * program first, where somebody else may have put one of that name.
 *
 * @throws TunError `UNSUPPORTED` when this Windows has none.
 */
export function systemLibrary(name: string): FfiLibrary {
  let library = libraries.get(name);
  if (library === undefined) {
    library = loadLibrary(`${systemDirectory()}\\${name}`);
    libraries.set(name, library);
  }
  return library;
}

/**
 * Where the file lies that a handle holds open, with every link on the way followed; as programs write it.
 *
 * @throws TunError `SYSCALL`.
 */
export function finalPath(handle: number): string {
  const path = new Uint16Array(LONGEST_PATH_CHARACTERS);
  const length = kernel32().getFinalPath(handle, path, path.length, 0);
  if (length === 0 || length > path.length) {
    throw winError(
      'GetFinalPathNameByHandleW',
      kernel32().getLastError(),
      'find where a file lies',
    );
  }
  const text = wideText(path.subarray(0, length));
  return text.replace(NETWORK_PREFIX, '\\\\').replace(LITERAL_PREFIX, '');
}

/** A library by its whole path. */
export function loadLibrary(path: string): FfiLibrary {
  try {
    return ffi().load(path);
  } catch (cause) {
    throw new TunError(TunErrorCode.UNSUPPORTED, `this Windows has no usable ${path}`, { cause });
  }
}

/** The event waited for by others: its handle, 0 never. `manual`: stays set until it is reset. */
export function createEvent(manual: boolean): number {
  const event = kernel32().createEvent(null, manual ? 1 : 0, 0, null);
  if (event !== 0) return event;
  throw winError('CreateEventW', kernel32().getLastError(), 'make an event');
}

/** An error number as messages show it, by name where it has one here. */
export function winErrorName(number: number): string {
  const name = Object.entries(WinError).find(([, value]) => value === number)?.[0];
  return name === undefined ? `error ${number}` : `ERROR_${name}`;
}

/** Makes the error for a Windows call that failed. `doing` completes "could not ...". */
export function winError(
  syscall: string,
  errno: number,
  doing: string,
  code: TunErrorCode = TunErrorCode.SYSCALL,
): TunError {
  const message = `could not ${doing}: ${syscall} failed with ${winErrorName(errno)}`;
  return new TunError(code, message, { syscall, errno });
}

function systemDirectory(): string {
  const path = new Uint16Array(SYSTEM_PATH_CHARACTERS);
  const length = kernel32().getSystemDirectory(path, path.length);
  if (length === 0 || length > path.length) {
    throw winError('GetSystemDirectoryW', kernel32().getLastError(), "find the system's folder");
  }
  return wideText(path.subarray(0, length));
}

/** UTF-16 up to its terminating zero, or all of it. */
export function wideText(characters: Uint16Array): string {
  const end = characters.indexOf(0);
  const length = end < 0 ? characters.length : end;
  return String.fromCharCode(...characters.subarray(0, length));
}

/** Text as UTF-16 with its terminating zero, for pointers within structs. */
export function wideString(text: string): Uint16Array {
  const characters = new Uint16Array(text.length + 1);
  for (let i = 0; i < text.length; i++) characters[i] = text.charCodeAt(i);
  return characters;
}
