/** The command `typetun completion`. */

import { Argument, type Command } from 'commander';
import { ADAPTERS_COMMAND, SHELLS, type Shell } from './shells.ts';

const HOW = `
bash:  source <(typetun completion bash), in ~/.bashrc
zsh:   typetun completion zsh > "\${fpath[1]}/_typetun"
fish:  typetun completion fish > ~/.config/fish/completions/typetun.fish`;

export function addCompletionCommand(typetun: Command): void {
  typetun
    .command('completion')
    .description('print what makes a shell complete the words of typetun, adapters included')
    .addArgument(new Argument('<shell>', 'whose').choices(SHELLS))
    .addHelpText('after', HOW)
    .action(async (shell: Shell) => {
      const { completionScript } = await import('./script.ts');
      process.stdout.write(completionScript(shell, typetun));
    });
  typetun.command(ADAPTERS_COMMAND, { hidden: true }).action(async () => {
    const { printAdapters } = await import('./adapters.ts');
    await printAdapters();
  });
}
