/** The C library with some of its calls replaced, so that a test plays the kernel. */

import type { Libc } from '#dist/os/libc.js';
import { boundLibc } from './ffi.ts';

/** Runs `use` while the calls of `changes` take the place of the C library's. */
export function withLibc<T>(changes: Partial<Libc>, use: (real: Libc) => T): T {
  const bound = boundLibc();
  const real = { ...bound };
  Object.assign(bound, changes);
  try {
    return use(real);
  } finally {
    Object.assign(bound, real);
  }
}
