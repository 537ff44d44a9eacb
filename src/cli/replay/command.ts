/** `typetun replay`: a capture file played back into an adapter. */

import {
  Adapter,
  type CaptureDirection,
  compileFilter,
  type ReplayOptions,
  type ReplayStatistics,
  replay,
  replayOut,
} from '../../index.ts';
import { describeError, ExitCode, UsageError } from '../errors.ts';
import { interruptible } from '../signals.ts';
import { terminalOf } from '../terminal.ts';

export interface ReplayCommandOptions {
  readonly speed: number;
  readonly direction: CaptureDirection;
  readonly only?: CaptureDirection | 'both';
  readonly filter?: string;
  readonly netns?: string;
  readonly json?: boolean;
}

const STANDARD_INPUT = '-';

/** Plays the whole file; returns the exit status: failed when a packet was refused. */
export async function runReplayCommand(
  file: string,
  adapter: string,
  options: ReplayCommandOptions,
): Promise<number> {
  const { filter, json } = options;
  try {
    if (filter !== undefined) compileFilter(filter);
  } catch (error) {
    throw new UsageError(describeError(error));
  }
  const terminal = terminalOf(process.stderr);
  const counts = await interruptible((signal) =>
    play(file, adapter, options, {
      ...{ filter, signal, speed: options.speed, direction: options.only ?? options.direction },
      ...(!json && {
        onProgress: ({ played }: ReplayStatistics) => terminal.live(`${played} packets played`),
      }),
    }),
  );
  if (json) process.stdout.write(`${JSON.stringify(counts)}\n`);
  else {
    terminal.live('');
    process.stdout.write(`${reportLine(counts)}\n`);
  }
  return counts.refused === 0 ? ExitCode.OK : ExitCode.FAILED;
}

async function play(
  file: string,
  name: string,
  { direction, netns }: ReplayCommandOptions,
  options: ReplayOptions,
): Promise<ReplayStatistics> {
  const source = file === STANDARD_INPUT ? process.stdin : file;
  if (direction === 'send') return await replayOut(source, name, { ...options, netns });
  await using adapter = await Adapter.open(name, netns === undefined ? {} : { netns });
  await using device = adapter.openDevice();
  return await replay(source, device, options);
}

function reportLine(counts: ReplayStatistics): string {
  const { played, refused, otherDirection, filtered, cut, notIp } = counts;
  const left: readonly (readonly [number, string])[] = [
    [otherDirection, 'of the other direction'],
    [filtered, 'did not pass the filter'],
    [cut, 'cut short in the file'],
    [notIp, 'no IP packets'],
    [refused, 'REFUSED by the system (is the interface up?)'],
  ];
  const rest = left.filter(([count]) => count > 0).map(([count, what]) => `, ${count} ${what}`);
  return `${played} packets played${rest.join('')}`;
}
