/** The command `typetun stats`. */

import type { Command } from 'commander';
import { ADAPTER_HELP } from '../adapter/define.ts';
import { countOption, secondsOption } from '../values.ts';
import { addViaOptions } from '../via/options.ts';
import type { StatsOptions } from './options.ts';

export function addStatsCommand(typetun: Command): void {
  const stats = typetun
    .command('stats')
    .description(
      'counters of an adapter, or of all: packets, bundles, and what was lost, by reason',
    )
    .argument('[adapter]', ADAPTER_HELP)
    .option('--watch', 'rates, again and again, until ^C')
    .option('--interval <seconds>', 'between two looks of --watch', secondsOption, 1)
    .option('--count <n>', 'end --watch after this many', countOption);
  addViaOptions(stats)
    .addHelpText(
      'after',
      '\nWithout a host they are what the kernel counts. With --watch, --json prints one object a line.',
    )
    .action(async (name: string | undefined, options: StatsOptions) => {
      const { runStats } = await import('./command.ts');
      process.exitCode = await runStats(name, options);
    });
}
