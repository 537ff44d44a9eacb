/**
 * `wintun.dll`: its functions, bound once per path and thread. Thin, as os/win32.ts: each returns what
 * the DLL's returns, and `kernel32().getLastError()` is to be read straight after a failure.
 *
 * No logger is ever set: Windows would call it from threads of its own, and wait for this one.
 *
 * Source: wintun.h 0.14 and its README, "Reference".
 */

import { isTunError, TunError, TunErrorCode } from '../../errors.ts';
import { type FfiLibrary, ffi } from '../../os/ffi.ts';
import { kernel32, WinError, winErrorName } from '../../os/win32.ts';
import type { WintunOptions } from '../link.ts';
import {
  checkMachine,
  checkPublisher,
  findDll,
  type HeldDll,
  holdDll,
  WHERE_FROM,
} from './dll-file.ts';

/** Packets are handed over by address; none is longer than 65,535 bytes. */
export interface Wintun {
  readonly path: string;
  /** `guid` has 16 bytes, or is null. Returns the adapter, 0 on failure. Takes up to some seconds. */
  createAdapter(name: string, tunnelType: string, guid: Uint8Array | null): number;
  openAdapter(name: string): number;
  /** Releases the adapter; one that was created is removed. Off this thread, as it takes some time. */
  closeAdapter(adapter: number): Promise<void>;
  getAdapterLuid(adapter: number, luid: BigUint64Array): void;
  /** 0 when no driver is loaded. */
  getRunningDriverVersion(): number;
  deleteDriver(): number;
  /** Returns the session, 0 on failure. */
  startSession(adapter: number, ringBytes: number): number;
  endSession(session: number): void;
  /** The event that is set when packets came after the ring was found empty. The session's to close. */
  getReadWaitEvent(session: number): number;
  /** Returns the packet, 0 when there is none (`NO_MORE_ITEMS`) or the adapter ends (`HANDLE_EOF`). */
  receivePacket(session: number, size: Uint32Array): number;
  releaseReceivePacket(session: number, packet: number): void;
  /** Returns where to put the packet, 0 when the ring is full (`BUFFER_OVERFLOW`) or the adapter ends. */
  allocateSendPacket(session: number, size: number): number;
  sendPacket(session: number, packet: number): void;
}

/** `LOAD_LIBRARY_SEARCH_SYSTEM32`: what the DLL needs comes from Windows' own folder alone. */
const LOAD_LIBRARY_SEARCH_SYSTEM32 = 0x800;

/** A DLL that is loaded, and why it is not to be used without `allowUnsigned`. */
interface Loaded {
  readonly wintun: Wintun;
  readonly refusal: TunError | undefined;
}

/** By where the file lies. */
const loaded = new Map<string, Loaded>();

/**
 * Finds, checks and loads the DLL. It stays loaded: other threads may be inside.
 *
 * @throws TunError `NO_DRIVER` when it is missing, for another machine, or too old;
 * `DRIVER_UNTRUSTED` when its publisher did not sign it.
 */
export function loadWintun(options: WintunOptions): Wintun {
  using held = holdDll(findDll(options).path);
  const { path } = held;
  const known = loaded.get(path);
  // Not looked at again: the file may be another by now, and what is in the process is not.
  const refusal = known === undefined ? refusalOf(held) : known.refusal;
  if (refusal !== undefined && options.allowUnsigned !== true) throw refusal;
  if (known !== undefined) return known.wintun;
  const { loadLibrary, freeLibrary, getLastError } = kernel32();
  const module = loadLibrary(path, 0, LOAD_LIBRARY_SEARCH_SYSTEM32);
  if (module === 0) {
    const errno = getLastError();
    throw new TunError(
      TunErrorCode.NO_DRIVER,
      `${path} does not load (${winErrorName(errno)}); get it again from ${WHERE_FROM}`,
      { syscall: 'LoadLibraryExW', errno },
    );
  }
  try {
    // By now a module of this path is in the process: this finds it, and loads nothing.
    const wintun = bindAll(path, ffi().load(path));
    loaded.set(path, { wintun, refusal });
    return wintun;
  } finally {
    freeLibrary(module);
  }
}

/** Why the file is not trusted; undefined when it is. */
function refusalOf(held: HeldDll): TunError | undefined {
  checkMachine(held.path);
  try {
    checkPublisher(held);
    return undefined;
  } catch (error) {
    if (!isTunError(error)) throw error;
    return error;
  }
}

type AsyncFunction = { async(...args: unknown[]): void };

function bindAll(path: string, library: FfiLibrary): Wintun {
  const bind = (prototype: string): never => {
    try {
      return library.func(prototype) as never;
    } catch (cause) {
      const name = /(\w+)\(/.exec(prototype)?.[1];
      throw new TunError(
        TunErrorCode.NO_DRIVER,
        `${path} is too old: it has no ${name}; get 0.14 or later from ${WHERE_FROM}`,
        { cause },
      );
    }
  };
  const closeAdapter: AsyncFunction = bind('void WintunCloseAdapter(uintptr_t adapter)');
  return {
    path,
    createAdapter: bind(
      'uintptr_t WintunCreateAdapter(const char16_t *name, const char16_t *tunnelType, void *guid)',
    ),
    openAdapter: bind('uintptr_t WintunOpenAdapter(const char16_t *name)'),
    closeAdapter: (adapter) =>
      new Promise((resolve) => {
        closeAdapter.async(adapter, () => resolve());
      }),
    getAdapterLuid: bind('void WintunGetAdapterLUID(uintptr_t adapter, void *luid)'),
    getRunningDriverVersion: bind('uint32 WintunGetRunningDriverVersion()'),
    deleteDriver: bind('int WintunDeleteDriver()'),
    startSession: bind('uintptr_t WintunStartSession(uintptr_t adapter, uint32 ringBytes)'),
    endSession: bind('void WintunEndSession(uintptr_t session)'),
    getReadWaitEvent: bind('uintptr_t WintunGetReadWaitEvent(uintptr_t session)'),
    receivePacket: bind('uintptr_t WintunReceivePacket(uintptr_t session, void *size)'),
    releaseReceivePacket: bind(
      'void WintunReleaseReceivePacket(uintptr_t session, uintptr_t packet)',
    ),
    allocateSendPacket: bind('uintptr_t WintunAllocateSendPacket(uintptr_t session, uint32 size)'),
    sendPacket: bind('void WintunSendPacket(uintptr_t session, uintptr_t packet)'),
  };
}

/** Whether an error number says that the adapter is going away. */
export function isGone(errno: number): boolean {
  return errno === WinError.HANDLE_EOF || errno === WinError.INVALID_DATA;
}
