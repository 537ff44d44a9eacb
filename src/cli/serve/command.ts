/** `typetun serve`: the driver host, until it is told to end. */

import { inheritedDescriptors } from '../../index.ts';
import { notifyService } from '../../os/service-notify.ts';
import type { Host, LogSink } from '../../service.ts';
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
  const log: LogSink = (level, message, fields) => {
    if (level !== 'debug') console.error(`typetun: ${formatLine(level, message, fields)}`);
  };
  let host: Host | undefined;
  // Before the host starts: a signal that comes meanwhile must not leave it half way.
  const ended = new Promise<void>((resolve) => {
    for (const signal of ENDING) process.once(signal, () => resolve());
  });
  const reload = (): void => {
    // A wrong configuration changes nothing, and the host goes on.
    host?.reload().catch((error: unknown) => {
      for (const line of describeError(error).split('\n')) log('error', line, {});
    });
  };
  process.on('SIGHUP', reload);
  try {
    host = await HostClass.start({ ...options, inherited: inheritedDescriptors(), log });
    notifyService(`READY=1\nSTATUS=${host.info.adapters} adapters at ${host.runDirectory}`);
    await ended;
    notifyService('STOPPING=1');
    await host.stop();
    return ExitCode.OK;
  } finally {
    process.off('SIGHUP', reload);
  }
}
