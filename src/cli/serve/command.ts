/** `typetun serve`: the driver host, until it is told to end. */

import type { Host } from '../../service.ts';
import { describeError, ExitCode } from '../errors.ts';

export interface ServeCommandOptions {
  readonly runDirectory?: string;
  readonly config?: string;
}

/** Signals that end the host. A second one ends the process at once. */
const ENDING = ['SIGINT', 'SIGTERM'] as const;

/** Resolves when the host has ended: with the exit status, 0 also when a signal asked for it. */
export async function runServeCommand(options: ServeCommandOptions): Promise<number> {
  const { Host: HostClass, formatLine } = await import('../../service.ts');
  const host: Host = await HostClass.start({
    ...options,
    log: (level, message, fields) => {
      if (level !== 'debug') console.error(`typetun: ${formatLine(level, message, fields)}`);
    },
  });
  const reload = (): void => {
    // A wrong configuration changes nothing, and the host goes on.
    host.reload().catch((error: unknown) => {
      for (const line of describeError(error).split('\n')) console.error(`typetun: error: ${line}`);
    });
  };
  process.on('SIGHUP', reload);
  await new Promise<void>((resolve) => {
    for (const signal of ENDING) process.once(signal, () => resolve());
  });
  process.off('SIGHUP', reload);
  await host.stop();
  return ExitCode.OK;
}
