/** Why a test that makes system calls cannot run here, or false. */

import { libc } from '#dist/os/libc.js';

export function ffiSkip(): string | false {
  try {
    libc().errno();
    return false;
  } catch {
    return 'needs the FFI package and a C library that it can bind';
  }
}
