#!/usr/bin/env node
/** The command `typetun`: which subcommands there are. Each is loaded when it is called. */

import { styleText } from 'node:util';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { VERSION } from '../index.ts';
import { addAdapterCommands } from './adapter/define.ts';
import { addDebugCommand } from './debug/define.ts';
import { addCaptureCommands } from './capture/define.ts';
import { addCheckoutCommands } from './checkout/define.ts';
import type { DemoCommandOptions } from './demo/command.ts';
import { addCompletionCommand } from './completion/define.ts';
import { addDeviceCommands } from './device/define.ts';
import type { DoctorCommandOptions } from './doctor/command.ts';
import type { DvlCheckOptions } from './dvl/command.ts';
import { describeError, ExitCode, exitStatusHelp, UsageError } from './errors.ts';
import { addHelpCommand } from './help.ts';
import { addPropertiesCommand } from './properties/define.ts';
import { addReferenceCommand } from './reference/define.ts';
import type { ServeCommandOptions } from './serve/command.ts';
import { addObservingOptions } from './serve/observing.ts';
import { addTopCommand } from './top/define.ts';
import { joinAdapterName, type RunCommandOptions } from './run/options.ts';
import { addStatsCommand } from './stats/define.ts';
import { terminalOf } from './terminal.ts';
import { collect, integerOption, secondsOption } from './values.ts';

const LINKS = ['auto', 'linux', 'windows', 'rootless', 'veth', 'memory'] as const;
const RUNGS = ['kernel', 'rootless', 'veth'] as const;

function linkOption(text: string): (typeof LINKS)[number] {
  const link = LINKS.find((one) => one === text);
  if (link !== undefined) return link;
  throw new InvalidArgumentError(`give one of ${LINKS.join(', ')}.`);
}

function rungOption(text: string): (typeof RUNGS)[number] {
  const rung = RUNGS.find((one) => one === text);
  if (rung !== undefined) return rung;
  throw new InvalidArgumentError(`give one of ${RUNGS.join(', ')}.`);
}

function program(): Command {
  const typetun = new Command('typetun')
    .description('A layer 3 TUN driver in TypeScript.')
    .version(VERSION, '-V, --version', 'print the version')
    .showSuggestionAfterError()
    // Commander takes it away where there are no colours.
    .configureHelp({ styleTitle: (title) => styleText('bold', title, { validateStream: false }) })
    .exitOverride()
    .enablePositionalOptions()
    .addHelpText('after', exitStatusHelp());
  typetun
    .command('demo')
    .description("send the operating system's own traffic through an adapter and check it")
    .addOption(
      new Option(
        '--link <link>',
        'linux or windows (the kernel), rootless (Linux in a user namespace), veth (there without /dev/net/tun), memory (in process)',
      )
        .choices(LINKS)
        .argParser(linkOption)
        .default('auto'),
    )
    .addOption(new Option('--inside <reason>').hideHelp())
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
  typetun
    .command('run')
    .usage('[options] [--] COMMAND [ARGUMENT...]')
    .argument('<command...>')
    .description('run a command in a network of its own, whose only way out is an adapter of ours')
    .option('--to <where>', 'where packets go: reflector, host, or adapter NAME', 'reflector')
    .option('--policy <file>', 'a module that allows, drops, delays or rewrites flows')
    .option('--pcap <file>', 'write what the command sends and gets to a pcapng file')
    .option('--address <address/length>', 'of the adapter; can be repeated', collect)
    .option('--dns <address>', 'DNS server the command is to ask; can be repeated', collect)
    .option('--name <name=address>', 'a name the DNS server of --to host knows', collect)
    .option('--mtu <bytes>', 'of the adapter', integerOption)
    .addOption(
      new Option(
        '--rung <rung>',
        'kernel is as root, veth without /dev/net/tun; by default the first that works',
      )
        .choices(RUNGS)
        .argParser(rungOption),
    )
    .option('--json', 'print the counts as one JSON object, on standard error')
    .addHelpText(
      'after',
      "\nStandard output is the command's, and so is the exit status: 127 when there is no such\ncommand, 126 when it cannot be run, 125 when it was not even tried. Signals are passed on.",
    )
    .passThroughOptions()
    .action(async (command: string[], options: RunCommandOptions) => {
      const { runRunCommand } = await import('./run/command.ts');
      process.exitCode = await runRunCommand(command, options);
    });
  addObservingOptions(typetun.command('serve'))
    .description('own adapters, and give their devices to other programs as sockets')
    .option('--config <file>', 'JSON, as schema/typetun.config.schema.json says')
    .option(
      '--run-directory <folder>',
      'where the sockets are (default: $RUNTIME_DIRECTORY, /run/typetun as root, $XDG_RUNTIME_DIR/typetun)',
    )
    .addHelpText(
      'after',
      '\nRuns until SIGTERM or SIGINT; SIGHUP reads the configuration again, SIGUSR1 writes debug.json\ninto the run directory. The log goes to standard error.\nThe protocols: docs/device-protocol.md, docs/control-protocol.md.',
    )
    .action(async (options: ServeCommandOptions) => {
      const { runServeCommand } = await import('./serve/command.ts');
      process.exitCode = await runServeCommand(options);
    });
  addTopCommand(typetun);
  addDebugCommand(typetun);
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
  addCaptureCommands(typetun);
  addAdapterCommands(typetun);
  addDeviceCommands(typetun);
  addStatsCommand(typetun);
  addPropertiesCommand(typetun);
  addCheckoutCommands(typetun);
  addCompletionCommand(typetun);
  addReferenceCommand(typetun);
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
    await program().parseAsync(joinAdapterName(process.argv));
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed its message; help and version end with 0.
      process.exitCode = error.exitCode === 0 ? ExitCode.OK : ExitCode.USAGE;
      return;
    }
    if (process.env['TYPETUN_DEBUG']) console.error(error);
    else
      console.error(
        `${terminalOf(process.stderr).style('typetun:', 'red')} ${describeError(error)}`,
      );
    process.exitCode = error instanceof UsageError ? ExitCode.USAGE : ExitCode.FAILED;
  }
}

await main();
