/** Finds and becomes a command, as execvp(3) and shells do, with the search path of its own environment. */

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execute } from '../os/exec.ts';
import { Errno, errnoName } from '../os/libc.ts';

/** What is searched without a PATH: what confstr(_CS_PATH) says, and local programs first. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';
/** The shell that runs a script without a first line that says what does (POSIX, execvp). */
const SHELL = '/bin/sh';

/** Exit statuses of shells: no such command; there is one, and it does not run (POSIX, 2.8.2). */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/** Files that `command` may mean, in order. A command with a slash is a path. */
export function candidates(command: string, path: string | undefined): string[] {
  if (command.includes('/')) return [command];
  return (path ?? DEFAULT_PATH).split(delimiter).map((folder) => join(folder || '.', command));
}

/**
 * Turns this process into the command. Returns, with the error number that tells most, only when that
 * fails.
 */
export function becomeCommand(argv: readonly string[], env: readonly string[]): number {
  const [command = ''] = argv;
  const path = env.find((one) => one.startsWith('PATH='))?.slice('PATH='.length);
  let worst: number = Errno.ENOENT;
  for (const file of command === '' ? [] : candidates(command, path)) {
    const errno = becomeFile(file, argv, env);
    if (errno === Errno.ENOENT || errno === Errno.ENOTDIR) continue;
    if (errno !== Errno.EACCES) return errno;
    // One that may not be run is worth saying, and no reason not to look further; a folder that may not
    // be searched is neither.
    if (existsSync(file)) worst = errno;
  }
  return worst;
}

function becomeFile(file: string, argv: readonly string[], env: readonly string[]): number {
  const errno = execute(file, argv, env);
  if (errno !== Errno.ENOEXEC) return errno;
  return execute(SHELL, [SHELL, file, ...argv.slice(1)], env);
}

/** Why a command did not start, for a person. */
export function unstartedReason(command: string, errno: number): string {
  const what = unstartedStatus(errno) === NOT_FOUND ? 'there is no such command' : 'cannot be run';
  return `${command}: ${what} (${errnoName(errno)})`;
}

/** The exit status that stands for a command that did not start. */
export function unstartedStatus(errno: number): number {
  return errno === Errno.ENOENT || errno === Errno.ENOTDIR ? NOT_FOUND : NOT_EXECUTABLE;
}
