/** `typetun capture`: the packets of an adapter, to a file, a pipe, or a person. */

import { Writable } from 'node:stream';
import {
  type Capture,
  type CaptureDirection,
  compileFilter,
  isTunError,
  type PacketSource,
  type PcapngStatistics,
  PcapngWriter,
  TunErrorCode,
} from '../../index.ts';
import { describeError, ExitCode, UsageError } from '../errors.ts';
import { interruptible } from '../signals.ts';
import { packetLine } from './line.ts';
import { interfaceOf, openCapture } from './source.ts';

export interface CaptureCommandOptions {
  readonly write?: string;
  readonly filter?: string;
  readonly snaplen?: number;
  readonly direction?: CaptureDirection;
  readonly rotate?: number;
  readonly count?: number;
  readonly netns?: string;
  readonly comment?: string;
  readonly json?: boolean;
}

/** The object of `--json`. */
interface CaptureReport extends PcapngStatistics {
  readonly interface: string;
  readonly file?: string;
  readonly error?: string;
}

const STANDARD_OUTPUT = '-';

/** Captures until it is told to end; returns the exit status. */
export async function runCaptureCommand(
  adapter: string,
  options: CaptureCommandOptions,
): Promise<number> {
  checkUsage(options);
  const name = options.netns === undefined ? interfaceOf(adapter) : adapter;
  const report = await interruptible((signal) => captureUntil(name, options, signal));
  const text = options.json ? JSON.stringify(report) : reportLine(report);
  // Standard output is the packets'.
  const stream =
    options.json && options.write !== STANDARD_OUTPUT ? process.stdout : process.stderr;
  stream.write(`${text}\n`);
  return report.error === undefined ? ExitCode.OK : ExitCode.FAILED;
}

function checkUsage({ filter, rotate, write }: CaptureCommandOptions): void {
  if (write === STANDARD_OUTPUT && process.stdout.isTTY) {
    throw new UsageError(
      '-w - is for a pipe, and standard output is a terminal; leave it out for lines',
    );
  }
  if (rotate !== undefined && (write === undefined || write === STANDARD_OUTPUT)) {
    throw new UsageError('--rotate is for files; give one with -w');
  }
  try {
    if (filter !== undefined) compileFilter(filter);
  } catch (error) {
    throw new UsageError(describeError(error));
  }
}

async function captureUntil(
  name: string,
  options: CaptureCommandOptions,
  signal: AbortSignal,
): Promise<CaptureReport> {
  const { write } = options;
  const capture = await open(name, options);
  const file = write === STANDARD_OUTPUT ? undefined : write;
  // Whoever starts it as a part of something larger waits for this line.
  process.stderr.write(`capturing on ${name}; ^C ends it\n`);
  signal.addEventListener('abort', () => void capture.close().catch(() => undefined));
  if (signal.aborted) void capture.close().catch(() => undefined);
  const failure = await capture.done;
  await capture.close().catch(() => undefined);
  // The interface is gone: the capture is whole.
  const failed = failure !== undefined && !isTunError(failure, TunErrorCode.ADAPTER_REMOVED);
  return {
    interface: name,
    ...(file !== undefined && { file }),
    ...capture.statistics,
    ...(failed && { error: `the capture stopped: ${describeError(failure)}` }),
  };
}

async function open(name: string, options: CaptureCommandOptions): Promise<Capture> {
  const { write, filter, direction, snaplen: snapLength, comment, netns, count, json } = options;
  const selection = { filter, direction, snapLength, comment };
  const source = { netns, maxPackets: count };
  if (write === STANDARD_OUTPUT) {
    return openCapture(name, process.stdout, { ...selection, ...source, end: false });
  }
  if (write === undefined) {
    const onPacket = json
      ? undefined
      : (packet: PacketSource) => void process.stdout.write(`${packetLine(packet)}\n`);
    return openCapture(name, nowhere(), { ...selection, ...source, onPacket });
  }
  // A wrong name, or a missing right, must not cost a file that is there.
  await openCapture(name, nowhere(), { netns }).close();
  const writer = await PcapngWriter.open(write, {
    ...selection,
    interfaceName: name,
    rotateBytes: options.rotate,
  });
  return openCapture(name, writer, source);
}

function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

function reportLine({ packets, filtered, dropped, file, error }: CaptureReport): string {
  const line = [
    `${packets} packets captured${file === undefined ? '' : ` in ${file}`}`,
    `${filtered} did not pass the filter`,
    `${dropped} lost`,
  ].join(', ');
  return error === undefined ? line : `${line}\ntypetun: ${error}`;
}
