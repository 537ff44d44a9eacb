/**
 * Signals that end a command: the first asks it to clean up, a second ends it at once. Handlers are
 * there only while a command runs.
 */

import { setMaxListeners } from 'node:events';
import { constants } from 'node:os';
import { SIGNAL_EXIT_BASE } from './errors.ts';

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

type EndingSignal = (typeof ENDING)[number];

/** The reason of an abort by a signal. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: EndingSignal) {
    super(`ended by ${signal}`);
    this.exitCode = SIGNAL_EXIT_BASE + constants.signals[signal];
  }
}

/** Runs `work` with a signal that aborts when the process is told to end. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  // Every socket and timer of a command listens; that is no leak.
  setMaxListeners(0, controller.signal);
  const onSignal = (signal: EndingSignal): void => {
    const interrupted = new Interrupted(signal);
    if (controller.signal.aborted) process.exit(interrupted.exitCode);
    controller.abort(interrupted);
  };
  for (const signal of ENDING) process.on(signal, onSignal);
  try {
    return await work(controller.signal);
  } finally {
    for (const signal of ENDING) process.off(signal, onSignal);
  }
}
