/** Why a test that makes system calls cannot run here, or false. */

import { bindAll, type Libc, libc } from '#dist/os/libc.js';

export function ffiSkip(): string | false {
  try {
    libc().errno();
    return false;
  } catch {
    return 'needs the FFI package and a C library that it can bind';
  }
}

/** The C library with all its functions bound, which tests can then put others in the place of. */
export function boundLibc(): Libc {
  bindAll();
  return libc();
}
