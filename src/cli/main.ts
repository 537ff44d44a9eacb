#!/usr/bin/env node
/** The command `typetun`: which subcommands there are. Each is loaded when it is called. */

import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { VERSION } from '../index.ts';
import type { DemoCommandOptions } from './demo/command.ts';
import type { DoctorCommandOptions } from './doctor/command.ts';
import type { DvlCheckOptions } from './dvl/command.ts';
import { describeError, ExitCode, UsageError } from './errors.ts';
import { addHelpCommand } from './help.ts';

const LINKS = ['auto', 'linux', 'memory'] as const;
const MAX_SECONDS = 86_400;
const DECIMAL = /^\d+(?:\.\d+)?$/;

function linkOption(text: string): (typeof LINKS)[number] {
  const link = LINKS.find((one) => one === text);
  if (link !== undefined) return link;
  throw new InvalidArgumentError(`give one of ${LINKS.join(', ')}.`);
}

function secondsOption(text: string): number {
  const seconds = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= MAX_SECONDS) return seconds;
  throw new InvalidArgumentError(`give a number of seconds above 0, up to ${MAX_SECONDS}.`);
}

function program(): Command {
  const typetun = new Command('typetun')
    .description('A layer 3 TUN driver in TypeScript.')
    .version(VERSION, '-V, --version', 'print the version')
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit status: 0 when all is well, 1 when something failed, 2 for a wrong call,\n128 + n when signal n ended it.',
    );
  typetun
    .command('demo')
    .description("send the operating system's own traffic through an adapter and check it")
    .option('--link <link>', 'auto, linux (the kernel) or memory (in process)', linkOption, 'auto')
    .option(
      '--seconds <n>',
      "keep sending TCP for n seconds, both families together (the kernel's link; default: 64 MiB each)",
      secondsOption,
    )
    .option('--json', 'print one JSON object and nothing else on standard output')
    .action(async (options: DemoCommandOptions) => {
      const { runDemoCommand } = await import('./demo/command.ts');
      process.exitCode = await runDemoCommand(options);
    });
  typetun
    .command('doctor')
    .description('say what this machine allows, what is missing, and the remedy')
    .option('--json', 'print one JSON object')
    .action(async (options: DoctorCommandOptions) => {
      const { runDoctorCommand } = await import('./doctor/command.ts');
      process.exitCode = await runDoctorCommand(options);
    });
  const dvl = typetun
    .command('dvl')
    .description('Driver Verification Logs: what was verified, of which sources');
  dvl
    .command('check')
    .argument('<file>', 'typetun.DVL.xml or .json, as "npm run dvl" writes it')
    .description('tell whether a log belongs to these sources')
    .option('--json', 'print one JSON object')
    .action(async (file: string, options: DvlCheckOptions) => {
      const { runDvlCheck } = await import('./dvl/command.ts');
      process.exitCode = runDvlCheck(file, options);
    });
  addHelpCommand(typetun);
  return typetun;
}

/** Who reads our output may stop before its end (`| head`): that is no failure of ours. */
function endQuietlyWhenNobodyReads(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(process.exitCode);
  });
}

async function main(): Promise<void> {
  endQuietlyWhenNobodyReads();
  try {
    await program().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed its message; help and version end with 0.
      process.exitCode = error.exitCode === 0 ? ExitCode.OK : ExitCode.USAGE;
      return;
    }
    const shown = process.env['TYPETUN_DEBUG'] ? error : `typetun: ${describeError(error)}`;
    console.error(shown);
    process.exitCode = error instanceof UsageError ? ExitCode.USAGE : ExitCode.FAILED;
  }
}

await main();
