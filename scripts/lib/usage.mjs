/** What every script says when it is asked how it is called, or was called wrongly: exit status 2. */

import { parseArgs } from 'node:util';

/** How a wrong call ends, as with the command itself. */
const USAGE_STATUS = 2;

/**
 * Prints `usage` when `--help` or `-h` is among the arguments, and ends the process then.
 *
 * @param {string} usage
 * @param {readonly string[]} args
 */
export function helpIfWanted(usage, args = process.argv.slice(2)) {
  const end = args.indexOf('--');
  const before = end < 0 ? args : args.slice(0, end);
  if (!before.includes('--help') && !before.includes('-h')) return;
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}

/**
 * Says what is wrong with the call, then `usage`, and ends the process.
 *
 * @param {string} problem
 * @param {string} usage
 * @returns {never}
 */
export function refuse(problem, usage) {
  process.stderr.write(`${problem}\n\n${usage}\n`);
  process.exit(USAGE_STATUS);
}

/**
 * `parseArgs` of node:util that knows `--help` as well, and explains a wrong call by `usage`.
 *
 * @template {import('node:util').ParseArgsConfig} T
 * @param {string} usage
 * @param {T} config
 * @returns {ReturnType<typeof parseArgs<T>>}
 */
export function parse(usage, config) {
  helpIfWanted(usage);
  try {
    return parseArgs(config);
  } catch (error) {
    if (!isWrongCall(error)) throw error;
    return refuse(problemOf(error), usage);
  }
}

/**
 * Runs a program that parses its arguments itself, and explains a wrong call by `usage`.
 *
 * @param {string} usage
 * @param {() => Promise<unknown>} program
 */
export async function explained(usage, program) {
  try {
    await program();
  } catch (error) {
    if (!isWrongCall(error)) throw error;
    refuse(problemOf(error), usage);
  }
}

/**
 * Whether `parseArgs` refused, or a program of ours in its way.
 *
 * @param {unknown} error
 * @returns {error is Error}
 */
function isWrongCall(error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code.startsWith('ERR_PARSE_ARGS_');
}

/**
 * Without the advice on arguments that begin with a dash, which none of ours do.
 *
 * @param {Error} error
 */
function problemOf({ message }) {
  return message.replace(/ To specify .*$/s, '');
}
