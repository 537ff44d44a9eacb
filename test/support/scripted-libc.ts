/** The C library with some of its calls replaced, so that a test plays the kernel. */

import { createRequire } from 'node:module';
import { type Libc, libc } from '#dist/os/libc.js';

/** Why it cannot be had here; false where it can. */
export const noLibc: string | false = whyNot();

/** Runs `use` while the calls of `changes` take the place of the C library's. */
export function withLibc<T>(changes: Partial<Libc>, use: (real: Libc) => T): T {
  const bound = libc();
  const real = { ...bound };
  Object.assign(bound, changes);
  try {
    return use(real);
  } finally {
    Object.assign(bound, real);
  }
}

function whyNot(): string | false {
  try {
    createRequire(import.meta.url)('koffi');
    libc();
    return false;
  } catch (error) {
    return `needs the FFI package: ${String(error)}`;
  }
}
