/** The sources that a Driver Verification Log belongs to: what was explored, byte for byte. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the package that this file is part of. */
export const PACKAGE_ROOT: string = fileURLToPath(new URL('../../../', import.meta.url));

/** Rooms whose code the verifier explores, and the room that this code computes with. */
const ROOMS = ['sync', 'adapter', 'wire'];
/** Files beside the rooms that the explored code runs on. */
const FILES = ['copy', 'limits', 'errors'];

/** One file and what it contains. */
export interface SourceHash {
  /** Path within the package, with forward slashes. */
  readonly path: string;
  /** SHA-256, in hex. */
  readonly sha256: string;
}

/** The files that were explored, as sources and compiled, in the order of their paths. */
export function hashSources(root: string = PACKAGE_ROOT): SourceHash[] {
  const paths = ROOMS.flatMap((room) => [
    ...filesIn(root, `src/${room}`, '.ts'),
    ...filesIn(root, `dist/${room}`, '.js'),
  ]);
  const files = FILES.flatMap((name) => [`src/${name}.ts`, `dist/${name}.js`]);
  return [...paths, ...files].sort().map((path) => ({ path, sha256: hash(join(root, path)) }));
}

function filesIn(root: string, folder: string, extension: string): string[] {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith(extension))
    .map((name) => `${folder}/${name}`);
}

function hash(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
