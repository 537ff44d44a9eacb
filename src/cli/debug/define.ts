/** How `typetun debug` is called. */

import type { Command } from 'commander';
import type { DebugCommandOptions } from './command.ts';

export function addDebugCommand(typetun: Command): void {
  typetun
    .command('debug')
    .description('print the state of a host for a bug report, without packet contents')
    .option('--run-directory <folder>', 'where the host is')
    .option('-o, --output <file>', 'write it to a new file instead')
    .action(async (options: DebugCommandOptions) => {
      const { runDebugCommand } = await import('./command.ts');
      process.exitCode = await runDebugCommand(options);
    });
}
