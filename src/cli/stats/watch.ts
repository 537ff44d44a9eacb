/** `typetun stats --watch`: rates, again and again. */

import { setTimeout as wait } from 'node:timers/promises';
import { ExitCode } from '../errors.ts';
import { Interrupted, interruptible } from '../signals.ts';
import { type Terminal, terminalOf } from '../terminal.ts';
import { printObject, viaMembers, withVia } from '../via/perform.ts';
import type { StatsOptions } from './options.ts';
import { ratesBetween, rateTable } from './rates.ts';
import { takeSamples } from './sample.ts';

const MS_PER_SECOND = 1000;
/** ECMA-48: cursor to the first place, and everything behind it away. */
const CLEAR_SCREEN = '\x1b[H\x1b[J';

/** Returns the exit status: 128 and its number when a signal ended it. */
export function watch(name: string | undefined, options: StatsOptions): Promise<number> {
  const { interval, count = Number.POSITIVE_INFINITY, json } = options;
  const terminal = terminalOf(process.stdout);
  return withVia(options, (via) =>
    interruptible(async (signal) => {
      let before = await takeSamples(via, name);
      for (let round = 0; round < count; round++) {
        try {
          await wait(interval * MS_PER_SECOND, undefined, { signal });
        } catch {
          return signal.reason instanceof Interrupted ? signal.reason.exitCode : ExitCode.FAILED;
        }
        const adapters = await takeSamples(via, name);
        const rates = ratesBetween(before, adapters);
        if (json) printObject({ ok: true, ...viaMembers(via), rates, adapters });
        else print(terminal, rateTable(terminal, rates));
        before = adapters;
      }
      return ExitCode.OK;
    }),
  );
}

/** In place of what was there where a person watches, else below it. */
function print(terminal: Terminal, lines: readonly string[]): void {
  if (terminal.interactive) terminal.write(CLEAR_SCREEN);
  for (const line of lines) terminal.line(line);
}
