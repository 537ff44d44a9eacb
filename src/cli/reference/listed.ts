/** Which commands a reference lists, and how their remarks are set. */

import { type CommandModel, flatten } from './model.ts';

/** Those that do something, with what is not the same for all of them: --help is said once. */
export function listed(model: CommandModel): CommandModel[] {
  return flatten(model)
    .filter(({ commands }) => commands.length === 0)
    .map((command) => ({
      ...command,
      options: command.options.filter(({ names }) => !names.includes('--help')),
    }));
}

/** Whether lines are to stay as they are: there are columns in them. */
export function isPreformatted(remarks: string): boolean {
  return /\S {2,}\S/.test(remarks);
}
