/** Compiles the reference and load programs of `bench/reference/`. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './child.ts';

/** This file runs from build/bench/rig. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SOURCES = join(ROOT, 'bench', 'reference');
const COMPILED = join(ROOT, 'build', 'bench', 'reference');

export interface References {
  readonly r1: string;
  readonly r2: string;
  readonly blast: string;
  readonly pingpong: string;
}

/** Rejects with the reason where there is no C compiler. */
export async function compileReferences(): Promise<References> {
  mkdirSync(COMPILED, { recursive: true });
  const compiled = async (name: string): Promise<string> => {
    const program = join(COMPILED, name);
    await run('cc', '-O2', '-Wall', '-Wextra', '-o', program, join(SOURCES, `${name}.c`));
    return program;
  };
  return {
    r1: await compiled('r1'),
    r2: await compiled('r2'),
    blast: await compiled('blast'),
    pingpong: await compiled('pingpong'),
  };
}
