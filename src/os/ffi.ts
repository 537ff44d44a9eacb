/**
 * The only importer of the FFI package. It is optional: everything that needs no system call
 * (the in-process link above all) works without it. Loaded at first use, once per thread.
 */

import { createRequire } from 'node:module';
import { TunError, TunErrorCode } from '../errors.ts';

/** The part of the FFI package that typetun uses. */
export interface Ffi {
  load(path: string | null): FfiLibrary;
  /** Address of a view's first byte. Valid as long as the view is reachable and not detached. */
  address(view: ArrayBufferView): bigint;
  errno(): number;
  proto(definition: string): unknown;
  pointer(type: unknown): unknown;
  register(callback: (...args: never[]) => unknown, type: unknown): unknown;
  unregister(callback: unknown): void;
}

export interface FfiLibrary {
  /** Binds a function by its C prototype. Throws when the symbol is missing. */
  func(prototype: string): (...args: unknown[]) => unknown;
}

let loaded: Ffi | undefined;

/**
 * Loads the FFI package.
 *
 * @throws TunError `NO_FFI` when it is not installed or its binary does not load here.
 */
export function ffi(): Ffi {
  if (loaded !== undefined) return loaded;
  try {
    loaded = createRequire(import.meta.url)('koffi') as Ffi;
  } catch (cause) {
    throw new TunError(
      TunErrorCode.NO_FFI,
      'the optional package "koffi", which typetun makes system calls through, does not load; install it with "npm install koffi", or use the in-process link',
      { cause },
    );
  }
  return loaded;
}
