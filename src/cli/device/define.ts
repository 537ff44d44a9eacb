/** The commands of `typetun device`: words, options, help. What they do is loaded when it is called. */

import { type Command, Option } from 'commander';
import { ADAPTER_HELP } from '../adapter/define.ts';
import { countOption, secondsOption } from '../values.ts';
import { addViaOptions } from '../via/options.ts';
import type { DeviceReadOptions, DeviceWriteOptions } from './options.ts';

const BUNDLES =
  '\nBundles are entries one behind the other, each of a size word, padding, and a packet (README);\nwhere one bundle ends and the next begins makes no difference.';
const ENDS =
  '\nIt ends with --count, --seconds, a signal, or the adapter. Standard output is for packets: what it\ncame to, with --json as one object, is on standard error.';

export function addDeviceCommands(typetun: Command): void {
  const device = typetun
    .command('device')
    .description('packets of an adapter, from and to standard input and output');
  addReadOptions(device.command('read'))
    .description('write what the system sends to standard output')
    .addHelpText('after', BUNDLES + ENDS)
    .action(async (name: string, options: DeviceReadOptions) => {
      const { runRead } = await import('./command.ts');
      process.exitCode = await runRead(name, options);
    });
  const write = device
    .command('write')
    .argument('<adapter>', ADAPTER_HELP)
    .addOption(
      new Option(
        '--format <format>',
        'of standard input: bundles, or pcapng (pcap as well), all of it and at once; replay keeps times',
      )
        .choices(['bundles', 'pcapng'])
        .default('bundles'),
    );
  addViaOptions(write)
    .description('give the system what is on standard input')
    .addHelpText('after', BUNDLES)
    .action(async (name: string, options: DeviceWriteOptions) => {
      const { runWrite } = await import('./command.ts');
      process.exitCode = await runWrite(name, options);
    });
  addReadOptions(device.command('open'))
    .description('do both; from a terminal, hold the device open and look on')
    .addHelpText('after', `${BUNDLES + ENDS} It goes on when standard input has ended.`)
    .action(async (name: string, options: DeviceReadOptions) => {
      const { runOpen } = await import('./command.ts');
      process.exitCode = await runOpen(name, options);
    });
}

function addReadOptions(command: Command): Command {
  const described = command
    .argument('<adapter>', ADAPTER_HELP)
    .addOption(
      new Option(
        '--format <format>',
        'of standard output: bundles, pcapng, or a line for each packet (default: bundles, lines on a terminal)',
      ).choices(['bundles', 'pcapng', 'lines']),
    )
    .option('--count <packets>', 'end after this many', countOption)
    .option('--seconds <n>', 'end after this time', secondsOption);
  return addViaOptions(described);
}
