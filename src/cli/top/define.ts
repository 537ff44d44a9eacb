/** How `typetun top` is called. */

import { type Command, InvalidArgumentError } from 'commander';
import type { TopCommandOptions } from './command.ts';

const DECIMAL = /^\d+(?:\.\d+)?$/;
/** Faster than that nobody reads. */
const MIN_SECONDS = 0.02;
const MAX_SECONDS = 3600;

function intervalOption(text: string): number {
  const seconds = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (seconds >= MIN_SECONDS && seconds <= MAX_SECONDS) return seconds;
  throw new InvalidArgumentError(`give a number of seconds, ${MIN_SECONDS} to ${MAX_SECONDS}.`);
}

export function addTopCommand(typetun: Command): void {
  typetun
    .command('top')
    .description('show the adapters of a host, full screen: states, rates, what is lost')
    .option('--run-directory <folder>', 'where the host is')
    .option('--interval <seconds>', 'time between looks', intervalOption, 1)
    .addHelpText('after', '\nKeys: up and down choose, p pauses, r restarts, h helps, q ends.')
    .action(async (options: TopCommandOptions) => {
      const { runTopCommand } = await import('./command.ts');
      process.exitCode = await runTopCommand(options);
    });
}
