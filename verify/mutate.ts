/** Makes a copy of the compiled driver and verifier with one mistake in it. */

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutants.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Returns the folder of the verifier that explores the mutant. Removed by {@link removeMutant}. */
export function makeMutant(mutant: Mutant): string {
  const folder = folderOf(mutant);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ type: 'module', imports: { '#dist/*': './dist/*' } }),
  );
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(ROOT, 'build', 'verify'), join(folder, 'verify'), { recursive: true });
  const file = join(folder, 'dist', mutant.file);
  writeFileSync(file, mistaken(readFileSync(file, 'utf8'), mutant));
  return join(folder, 'verify');
}

/** The text of `mutant.file` with the mistake in it. Throws when the place for it is not there, once. */
export function mistaken(source: string, mutant: Mutant): string {
  const found = source.split(mutant.find).length - 1;
  if (found === 1) return source.replace(mutant.find, () => mutant.replace);
  throw new Error(
    `mutant ${mutant.id}: its text is found ${found} times in ${mutant.file}, not once; the code has changed, so change verify/mutants.ts`,
  );
}

export function removeMutant(mutant: Mutant): void {
  rmSync(folderOf(mutant), { recursive: true, force: true });
}

function folderOf(mutant: Mutant): string {
  return join(ROOT, 'build', 'mutants', mutant.id);
}
