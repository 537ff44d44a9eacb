/** The command `typetun reference`: what `npm run docs` writes down. Not for users, who have what it made. */

import { Argument, type Command } from 'commander';

const FORMS = ['man', 'markdown'] as const;
export type ReferenceForm = (typeof FORMS)[number];

export function addReferenceCommand(typetun: Command): void {
  typetun
    .command('reference', { hidden: true })
    .description('print the manual page, or docs/cli.md')
    .addArgument(new Argument('<form>').choices(FORMS))
    .action(async (form: ReferenceForm) => {
      const { printReference } = await import('./command.ts');
      printReference(form, typetun);
    });
}
