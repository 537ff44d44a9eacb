/** Where things lie, and how a tool of the project is run. Used by every script. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. Scripts work from any directory. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The files under a folder, as sorted paths relative to the project, with `/`.
 *
 * @param {string} folder relative to the project; one that does not exist has no files
 * @param {string} ending of the file's name
 * @returns {string[]}
 */
export function filesUnder(folder, ending = '') {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .map((path) => path.split(sep).join('/'))
    .sort();
}

/**
 * The script behind a command of an installed package: run with this very Node, without a shell.
 *
 * @param {string} packageName
 * @param {string} command
 * @returns {string | undefined} its path, or undefined when the package is not installed
 */
export function toolPath(packageName, command) {
  const folder = join(ROOT, 'node_modules', packageName);
  if (!existsSync(join(folder, 'package.json'))) return undefined;
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[command]);
}

/**
 * Runs Node on a script and waits.
 *
 * @param {string[]} args
 * @param {{ stdout?: 'inherit' | 'stderr', timeoutMs?: number }} [options] where its output goes
 *   (this process's stdout, or its stderr so that stdout stays clean), and when it is ended
 * @returns {number} its exit status; 1 when a signal or the timeout ended it
 */
export function runNode(args, { stdout = 'inherit', timeoutMs } = {}) {
  const result = spawnSync(process.execPath, args, {
    cwd: ROOT,
    timeout: timeoutMs,
    stdio: ['ignore', stdout === 'stderr' ? 2 : 'inherit', 'inherit'],
  });
  const error = result.error;
  if (error !== undefined && 'code' in error && error.code === 'ETIMEDOUT') {
    process.stderr.write(`Ended after ${timeoutMs} ms: node ${args.join(' ')}\n`);
    return 1;
  }
  if (error !== undefined) throw error;
  return result.status ?? 1;
}

/**
 * Runs a command of an installed package and waits. See {@link runNode}.
 *
 * @param {string} packageName
 * @param {string} command
 * @param {string[]} args
 * @param {{ stdout?: 'inherit' | 'stderr' }} [options]
 * @returns {number}
 */
export function runTool(packageName, command, args, options) {
  const script = toolPath(packageName, command);
  if (script === undefined) {
    process.stderr.write(`${packageName} is not installed; run "npm ci" first\n`);
    return 1;
  }
  return runNode([script, ...args], options);
}
