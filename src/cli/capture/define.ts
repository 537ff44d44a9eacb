/** The commands `capture` and `replay`: their options, as `--help` shows them. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ReplayCommandOptions } from '../replay/command.ts';
import { countOption } from '../values.ts';
import type { CaptureCommandOptions } from './command.ts';

const CAPTURE_DIRECTIONS = ['send', 'receive'] as const;
const REPLAY_DIRECTIONS = ['send', 'receive', 'both'] as const;
const DECIMAL = /^\d+(?:\.\d+)?$/;
const SIZE = /^(\d{1,12})([kmg]?)$/i;
/** Bytes of a unit: kibibytes and so on. */
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

function sizeOption(text: string): number {
  const [, digits, unit] = SIZE.exec(text) ?? [];
  const bytes = Number(digits) * UNITS[(unit ?? '').toLowerCase()]!;
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError('give a number of bytes, such as 500000, 64k, 100m or 2g.');
}

function speedOption(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const speed = DECIMAL.test(text) ? Number(text) : 0;
  if (speed > 0) return speed;
  throw new InvalidArgumentError('give a factor above 0, such as 2 or 0.5, or max.');
}

/** Adds both. */
export function addCaptureCommands(typetun: Command): void {
  typetun
    .command('capture')
    .argument('<adapter>', 'its interface, such as tun0, or its device, such as WINTUN7')
    .description('capture what an adapter sends and receives, whatever program has it')
    .option('-w, --write <file>', 'write pcapng to a file; - is standard output, for a pipe')
    .option('--filter <expression>', 'what to capture, as in "tcp port 80 or icmp"')
    .option('--snaplen <bytes>', 'keep so much of each packet', countOption)
    .addOption(
      new Option(
        '--direction <direction>',
        'send: what the host sends; receive: what it gets',
      ).choices(CAPTURE_DIRECTIONS),
    )
    .option(
      '--rotate <size>',
      'begin another file when one would get larger: 64k, 100m, 2g',
      sizeOption,
    )
    .option('--count <n>', 'stop after n packets', countOption)
    .option('--netns <namespace>', 'the network namespace that the adapter is in')
    .option('--comment <text>', 'a comment on the capture, in its file')
    .option('--json', 'print the counts at the end as one JSON object')
    .addHelpText(
      'after',
      '\nWithout -w it prints a line for each packet. It ends with the interface, after --count packets,\nor when it is interrupted, which is no failure. The counts come at the end, on standard error\nwhen standard output has packets.\n\n  typetun capture tun0 -w - | wireshark -k -i -\n  typetun capture tun0 -w - --filter "udp port 53" | tshark -r -\n\nThe syntax of filters is that of tcpdump, as far as docs/capture.md says.',
    )
    .action(async (adapter: string, options: CaptureCommandOptions) => {
      const { runCaptureCommand } = await import('./command.ts');
      process.exitCode = await runCaptureCommand(adapter, options);
    });
  typetun
    .command('replay')
    .argument('<file>', 'pcapng or pcap; - is standard input')
    .argument('<adapter>', 'an interface, such as tun0')
    .description('play a capture back into an adapter')
    .option(
      '--speed <factor>',
      'faster (2) or slower (0.5) than it was captured, or max',
      speedOption,
      1,
    )
    .addOption(
      new Option(
        '--direction <direction>',
        "receive: to the host, as the adapter's program; send: to that program, as the host",
      )
        .choices(CAPTURE_DIRECTIONS)
        .default('receive'),
    )
    .addOption(
      new Option(
        '--only <direction>',
        'which packets of the file (default: those of --direction)',
      ).choices(REPLAY_DIRECTIONS),
    )
    .option('--filter <expression>', 'what to play, as in "tcp port 80 or icmp"')
    .option('--netns <namespace>', 'the network namespace that the adapter is in')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nWith --direction receive the interface has to be a persistent TUN that no program has open, and is\nopened as its owner may; with send it is any interface, and takes root. A file without directions, as\ntcpdump writes it on most links, is played whole.',
    )
    .action(async (file: string, adapter: string, options: ReplayCommandOptions) => {
      const { runReplayCommand } = await import('../replay/command.ts');
      process.exitCode = await runReplayCommand(file, adapter, options);
    });
}
