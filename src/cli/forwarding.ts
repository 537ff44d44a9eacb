/** Signals that the command is to get, not its launcher. */

import { isatty } from 'node:tty';

/** What is passed on. Those that a terminal sends to all of its foreground are `fromTerminal`. */
const FORWARDED: readonly (readonly [signal: NodeJS.Signals, fromTerminal: boolean])[] = [
  ['SIGINT', true],
  ['SIGQUIT', true],
  ['SIGHUP', false],
  ['SIGTERM', false],
  ['SIGUSR1', false],
  ['SIGUSR2', false],
];

/**
 * Calls `send` with each signal that this process gets, until disposed. Of a terminal's ^C and ^\ the
 * command hears by itself, and twice would be once too often (`alone`: while there is no command, all are told).
 */
export class SignalForwarding {
  readonly #listeners: (readonly [NodeJS.Signals, () => void])[] = [];

  constructor(send: (signal: NodeJS.Signals) => void, alone: () => boolean) {
    for (const [signal, fromTerminal] of FORWARDED) {
      const listener = (): void => {
        if (alone() || !fromTerminal || !isatty(0)) send(signal);
      };
      process.on(signal, listener);
      this.#listeners.push([signal, listener]);
    }
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }
}
