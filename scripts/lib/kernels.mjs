/** Compiles the kernels from AssemblyScript into a module that holds them as text. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, runTool, toolPath } from './project.mjs';

const SOURCE = 'src/wire/kernels/assembly/index.ts';
/** The module that is written, relative to the project. Not kept in Git. */
export const GENERATED_KERNELS = 'src/wire/kernels/kernels-wasm.ts';
const GENERATED = join(ROOT, GENERATED_KERNELS);
/** Bounds of the memory they are given, in pages of 64 KiB: what layout.ts fixes, and the largest bundle. */
const LEAST_PAGES = '14';
const MOST_PAGES = '256';

/**
 * Writes `src/wire/kernels/kernels-wasm.ts` if it differs: as text, so that bundlers, archives and
 * worker threads need no file to find.
 *
 * @returns {boolean} false when the compiler reported an error
 */
export function buildKernels() {
  if (toolPath('assemblyscript', 'asc') === undefined) return existsSync(GENERATED);
  const folder = mkdtempSync(join(tmpdir(), 'typetun-kernels-'));
  try {
    const binary = join(folder, 'kernels.wasm');
    const status = runTool(
      'assemblyscript',
      'asc',
      [
        ...[SOURCE, '--outFile', binary, '-O3', '--runtime', 'stub'],
        ...['--enable', 'simd', '--enable', 'bulk-memory'],
        ...['--importMemory', '--noExportMemory'],
        ...['--initialMemory', LEAST_PAGES, '--maximumMemory', MOST_PAGES],
      ],
      { stdout: 'stderr' },
    );
    if (status !== 0) return false;
    const text = `// Made by scripts/lib/kernels.mjs from assembly/: not to be edited, nor kept in Git.

/** The kernels' WebAssembly module, in base 64. */
export const KERNELS_WASM: string =
  '${readFileSync(binary).toString('base64')}';
`;
    if (!existsSync(GENERATED) || readFileSync(GENERATED, 'utf8') !== text) {
      writeFileSync(GENERATED, text);
    }
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
