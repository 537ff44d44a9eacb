/** `typetun serve`: the driver host, until it is told to end. */

import { inheritedDescriptors } from '../../index.ts';
import { notifyService } from '../../os/service-notify.ts';
import type { Host } from '../../service.ts';
import { describeError, ExitCode } from '../errors.ts';
import { type ObservingOptions, observe, openHostLog, writeDebug } from './observing.ts';

export interface ServeCommandOptions extends ObservingOptions {
  readonly runDirectory?: string;
  readonly config?: string;
}

/** Signals that end the host. A second one ends the process at once. */
const ENDING = ['SIGINT', 'SIGTERM'] as const;

/** Resolves when the host has ended: with the exit status, 0 also when a signal asked for it. */
export async function runServeCommand(options: ServeCommandOptions): Promise<number> {
  const { Host: HostClass } = await import('../../service.ts');
  const { runDirectory, config } = options;
  const log = await openHostLog(options);
  let host: Host | undefined;
  // Before the host starts: a signal that comes meanwhile must not leave it half way.
  const ended = new Promise<void>((resolve) => {
    for (const signal of ENDING) process.once(signal, () => resolve());
  });
  const reload = (): void => {
    // A wrong configuration changes nothing, and the host goes on.
    host?.reload().catch((error: unknown) => {
      for (const line of describeError(error).split('\n')) host?.log.error(line);
    });
  };
  const debug = (): void => {
    if (host !== undefined) void writeDebug(host);
  };
  process.on('SIGHUP', reload);
  // Node starts its inspector on this signal, unless somebody listens.
  process.on('SIGUSR1', debug);
  try {
    host = await HostClass.start({ runDirectory, config, inherited: inheritedDescriptors(), log });
    await using running = host;
    await using _observers = await observe(host, options);
    notifyService(`READY=1\nSTATUS=${host.info.adapters} adapters at ${host.runDirectory}`);
    await ended;
    notifyService('STOPPING=1');
    await running.stop();
    return ExitCode.OK;
  } finally {
    process.off('SIGHUP', reload);
    process.off('SIGUSR1', debug);
  }
}
