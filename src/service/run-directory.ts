/** Where a host has its sockets, and where programs look for it. */

import { join } from 'node:path';
import { TunError, TunErrorCode } from '../errors.ts';
import { kernelLink } from '../index.ts';

/** What the folder is called below a folder for such things. */
const FOLDER = 'typetun';
/** The system's own (hier(7)). */
const SYSTEM_DIRECTORY = '/run/typetun';
/** systemd separates several by colons (systemd.exec(5), RuntimeDirectory=). */
const SEPARATOR = ':';

/** Where named pipes of Windows are. */
export const PIPE_DIRECTORY = '\\\\.\\pipe\\typetun';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The run directory of a host that is told nothing: $RUNTIME_DIRECTORY, which systemd sets; `/run/typetun` as
 * root; else `typetun` in $XDG_RUNTIME_DIR.
 *
 * @throws TunError `CONFIG` where there is none of these.
 */
export function defaultRunDirectory(
  environment: Environment = process.env,
  uid: number | undefined = process.getuid?.(),
): string {
  if (kernelLink() === 'windows') return PIPE_DIRECTORY;
  const given = environment['RUNTIME_DIRECTORY']?.split(SEPARATOR)[0];
  if (given) return given;
  if (uid === 0) return SYSTEM_DIRECTORY;
  const own = userDirectory(environment);
  if (own !== undefined) return own;
  throw new TunError(
    TunErrorCode.CONFIG,
    'there is no place for sockets: XDG_RUNTIME_DIR is not set; set it, or say where (--run-directory, "runDirectory" in the configuration)',
  );
}

/** Where a program looks for a host, in this order: its user's own, then the system's. */
export function knownRunDirectories(environment: Environment = process.env): string[] {
  if (kernelLink() === 'windows') return [PIPE_DIRECTORY];
  const given = environment['RUNTIME_DIRECTORY']?.split(SEPARATOR)[0];
  const found = [given, userDirectory(environment), SYSTEM_DIRECTORY];
  return [...new Set(found.filter((path): path is string => Boolean(path)))];
}

function userDirectory(environment: Environment): string | undefined {
  const folder = environment['XDG_RUNTIME_DIR'];
  return folder ? join(folder, FOLDER) : undefined;
}
