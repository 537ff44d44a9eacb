/** The command `typetun properties`. */

import type { Command } from 'commander';
import { ADAPTER_HELP } from '../adapter/define.ts';
import { addViaOptions, type ViaOptions } from '../via/options.ts';

export function addPropertiesCommand(typetun: Command): void {
  addViaOptions(typetun.command('properties'))
    .description(
      'what an adapter is, as tools of the original would ask (driver contract, section 6)',
    )
    .argument('<adapter>', ADAPTER_HELP)
    .addHelpText(
      'after',
      '\nWithout a host the interface is opened for it, which takes that nobody else has it open.',
    )
    .action(async (name: string, options: ViaOptions) => {
      const { runProperties } = await import('./command.ts');
      process.exitCode = await runProperties(name, options);
    });
}
