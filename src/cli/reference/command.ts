/** `typetun reference`. */

import type { Command } from 'commander';
import type { ReferenceForm } from './define.ts';
import { manPage } from './man.ts';
import { markdownReference } from './markdown.ts';
import { modelOf } from './model.ts';

const FORMS = { man: manPage, markdown: markdownReference } as const;

export function printReference(form: ReferenceForm, typetun: Command): void {
  process.stdout.write(FORMS[form](modelOf(typetun)));
}
