/** Errors of the command line, and the exit statuses that go with them. */

import { messageOf } from '../errors.ts';
import { isTunError } from '../index.ts';

/** Exit statuses: also in `typetun --help`. A signal ends with 128 plus its number. */
export const ExitCode = { OK: 0, FAILED: 1, USAGE: 2 } as const;

/** What each exit status means, for `--help`, the manual page and docs/cli.md. */
export const EXIT_STATUSES: readonly (readonly [status: string, meaning: string])[] = [
  ['0', 'all is well'],
  ['1', 'something failed: the message says what, and what to do'],
  ['2', 'a wrong call: an unknown command or option, a value that cannot be'],
  ['128 + n', 'signal n ended it: 130 after ^C, 143 after SIGTERM'],
];

/** The same as lines at the end of `--help`. */
export function exitStatusHelp(): string {
  const width = Math.max(...EXIT_STATUSES.map(([status]) => status.length));
  const lines = EXIT_STATUSES.map(([status, meaning]) => `  ${status.padEnd(width)}  ${meaning}`);
  return `\nExit status:\n${lines.join('\n')}`;
}

/** Added to a signal's number, as shells do. */
export const SIGNAL_EXIT_BASE = 128;

/** Something wrong with how the command was called. */
export class UsageError extends Error {}

/** One line for a person: what went wrong, with the code to match on where there is one. Never throws. */
export function describeError(error: unknown): string {
  return isTunError(error) ? `${messageOf(error)} [${error.code}]` : messageOf(error);
}
