/** The completion script of a shell, made of the commands as they are defined. */

import type { Command } from 'commander';
import { modelOf } from '../reference/model.ts';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import type { Shell } from './shells.ts';
import { zshScript } from './zsh.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export function completionScript(shell: Shell, typetun: Command): string {
  return SCRIPTS[shell](modelOf(typetun));
}
