/** `typetun serve`: the driver host, until it is told to end. */

import type { Host } from '../../service.ts';
import { ExitCode } from '../errors.ts';

export interface ServeCommandOptions {
  readonly runDirectory?: string;
}

/** Signals that end the host. A second one ends the process at once. */
const ENDING = ['SIGINT', 'SIGTERM'] as const;

/** Resolves when the host has ended: with the exit status, 0 also when a signal asked for it. */
export async function runServeCommand({ runDirectory }: ServeCommandOptions): Promise<number> {
  const { Host: HostClass, formatLine } = await import('../../service.ts');
  const host: Host = await HostClass.start({
    runDirectory,
    log: (level, message, fields) => {
      if (level !== 'debug') console.error(`typetun: ${formatLine(level, message, fields)}`);
    },
  });
  await new Promise<void>((resolve) => {
    for (const signal of ENDING) process.once(signal, () => resolve());
  });
  await host.stop();
  return ExitCode.OK;
}
