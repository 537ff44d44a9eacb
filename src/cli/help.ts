/** `typetun help [command...]`: of the command that the words lead to, however deep. */

import type { Command } from 'commander';

/** Adds the command. */
export function addHelpCommand(typetun: Command): void {
  typetun
    .helpCommand(false)
    .command('help')
    .argument('[command...]', 'as it is written, such as: dvl check')
    .description('show help, of one command or of all')
    .action((words: readonly string[]) => find(typetun, words).help());
}

/** Ends the program with the names that there are when a word is none of them. */
function find(typetun: Command, words: readonly string[]): Command {
  return words.reduce((command, word) => {
    const known = command.commands;
    const names = known.map((one) => one.name()).join(', ');
    return (
      known.find((one) => one.name() === word) ??
      typetun.error(
        `error: unknown command '${word}'; ${known.length === 0 ? `${command.name()} has none` : `there are ${names}`}`,
      )
    );
  }, typetun);
}
