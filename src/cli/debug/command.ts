/** `typetun debug`: the state of a host, for a bug report. */

import { openSync, closeSync, writeFileSync } from 'node:fs';
import { ExitCode } from '../errors.ts';

export interface DebugCommandOptions {
  readonly runDirectory?: string;
  readonly output?: string;
}

/** It says a lot of the machine: for its user alone. */
const MODE = 0o600;
const INDENT = 2;

/** Prints the report, or writes it to a file that is not there yet. Rejects as ControlClient does. */
export async function runDebugCommand({
  runDirectory,
  output,
}: DebugCommandOptions): Promise<number> {
  const { ControlClient } = await import('../../service.ts');
  await using host = await ControlClient.connect({ runDirectory });
  const report = `${JSON.stringify(await host.call('debug'), null, INDENT)}\n`;
  if (output === undefined) {
    process.stdout.write(report);
    return ExitCode.OK;
  }
  const file = openSync(output, 'wx', MODE);
  try {
    writeFileSync(file, report);
  } finally {
    closeSync(file);
  }
  console.error(
    `typetun: wrote ${output}; it holds no packets, but names, addresses and users of this host`,
  );
  return ExitCode.OK;
}
