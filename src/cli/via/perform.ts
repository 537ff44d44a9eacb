/** What all commands of a host have in common: where they work, what they print, how they end. */

import { isTunError } from '../../index.ts';
import { describeError, ExitCode, UsageError } from '../errors.ts';
import { type Terminal, terminalOf } from '../terminal.ts';
import { describeVia, locate, type Via } from './locate.ts';
import type { ViaOptions } from './options.ts';

/** What a command came to. */
export interface Outcome {
  /** Members of the object of `--json`, besides `ok`, `via` and `host`. */
  readonly result: object;
  /** The same for a person. */
  readonly lines: (terminal: Terminal) => readonly string[];
}

/** What `--json` says of where the command worked. */
export function viaMembers(via: Via): object {
  return via.via === 'host' ? { via: 'host', host: via.control.runDirectory } : { via: 'process' };
}

/**
 * Does `work` and prints what it came to: lines, and on standard error where it was done; or one object. A failure
 * is thrown on, for a line on standard error; with `--json` the object says it as well.
 *
 * @throws what `work` throws; UsageError for what cannot be.
 */
export async function perform(
  options: ViaOptions,
  work: (via: Via) => Promise<Outcome>,
): Promise<number> {
  await withVia(options, async (via) => {
    const { result, lines } = await work(via);
    if (options.json) printObject({ ok: true, ...viaMembers(via), ...result });
    else for (const line of lines(terminalOf(process.stdout))) process.stdout.write(`${line}\n`);
  });
  return ExitCode.OK;
}

/**
 * Does `work` where it is to be done, and closes what that took. A failure is printed as an object with `--json`
 * (unless standard output is for something else: `objects` false), and thrown on.
 */
export async function withVia<T>(
  options: ViaOptions,
  work: (via: Via) => Promise<T>,
  { objects = true }: { readonly objects?: boolean } = {},
): Promise<T> {
  let via: Via | undefined;
  try {
    via = await locate(options);
    if (!options.json) sayWhere(via);
    return await work(via);
  } catch (error) {
    if (options.json && objects && !(error instanceof UsageError)) {
      printObject({ ok: false, ...(via && viaMembers(via)), error: failure(error) });
    }
    throw error;
  } finally {
    if (via?.via === 'host') await via.control.close();
  }
}

/** A call whose arguments are the user's: what is wrong with them is a wrong call. */
export async function asked<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new UsageError(error.message);
    }
    throw error;
  }
}

/** As {@link asked}, for a check that throws. */
export function checked<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new UsageError(error.message);
    }
    throw error;
  }
}

/** An error as `--json` has it. */
export function failure(error: unknown): object {
  const message = error instanceof Error ? error.message : describeError(error);
  return isTunError(error) ? { code: error.code, message } : { message };
}

export function printObject(object: object): void {
  process.stdout.write(`${JSON.stringify(object)}\n`);
}

function sayWhere(via: Via): void {
  const terminal = terminalOf(process.stderr);
  terminal.line(terminal.style(`typetun: ${describeVia(via)}`, 'dim'));
}
