/** The options of every command that works on a host, or else in this process. */

import type { Command } from 'commander';

/** The environment variable that says where the host is. */
export const HOST_VARIABLE = 'TYPETUN_HOST';

export interface ViaOptions {
  /** Run directory of the host, or its control socket; `false` for `--no-host`. */
  readonly host?: string | false;
  readonly json?: boolean;
}

/** Adds `--host`, `--no-host` and `--json`. */
export function addViaOptions(command: Command): Command {
  return command
    .option(
      '--host <path>',
      `run directory of the host, or its control socket (default: ${HOST_VARIABLE}, else where one runs)`,
    )
    .option('--no-host', 'work in this process, also where a host runs')
    .option('--json', 'print one JSON object and nothing else on standard output');
}
