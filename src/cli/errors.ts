/** Errors of the command line, and the exit statuses that go with them. */

import { messageOf } from '../errors.ts';
import { isTunError } from '../index.ts';

/** Exit statuses: also in `typetun --help`. A signal ends with 128 plus its number. */
export const ExitCode = { OK: 0, FAILED: 1, USAGE: 2 } as const;

/** Added to a signal's number, as shells do. */
export const SIGNAL_EXIT_BASE = 128;

/** Something wrong with how the command was called. */
export class UsageError extends Error {}

/** One line for a person: what went wrong, with the code to match on where there is one. Never throws. */
export function describeError(error: unknown): string {
  return isTunError(error) ? `${messageOf(error)} [${error.code}]` : messageOf(error);
}
