/** The commands that a source checkout has: `typetun bench` and `typetun sdv`. */

import type { Command } from 'commander';

const COMMANDS = [
  ['bench', 'what passes through an adapter, next to references (in a source checkout)'],
  ['sdv', "explore the interleavings of the driver's concurrent code (in a source checkout)"],
] as const;

export function addCheckoutCommands(typetun: Command): void {
  for (const [name, description] of COMMANDS) {
    typetun
      .command(name)
      .description(description)
      .usage('[options]')
      .argument('[options...]', `those of "npm run ${name}"; --help tells them`)
      // All of them, --help as well, are the script's.
      .helpOption(false)
      .passThroughOptions()
      .allowUnknownOption()
      .action(async (words: string[]) => {
        const { runInCheckout } = await import('./command.ts');
        process.exitCode = await runInCheckout(name, words);
      });
  }
}
