/** Where the lines of a host's log go: to a person, or as JSON to tools, which the package pino writes. */

import type pinoModule from 'pino';
import { TunError, TunErrorCode } from '../errors.ts';
import { formatLine, type LogFields, type LogLevel, type LogSink } from '../service/log.ts';

/** From the chattiest on. */
export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
export const LOG_FORMATS = ['pretty', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LogOptions {
  /** The least that is written. Default `info`. */
  readonly level?: LogLevel | undefined;
  /** Default `pretty`: a line for people; with colours and the time where one watches. */
  readonly format?: LogFormat | undefined;
  /** Where to. Default: standard error. */
  readonly stream?: (NodeJS.WriteStream & { readonly fd: number }) | undefined;
}

/** Escape sequences (ECMA-48, SGR). */
const COLOURS: Readonly<Record<LogLevel, string>> = {
  debug: '\x1b[2m',
  info: '\x1b[32m',
  warn: '\x1b[33m',
  error: '\x1b[31m',
};
const RESET = '\x1b[0m';
const DIM = '\x1b[2m';

/**
 * What writes lines, each at once and whole: a host that dies has written what it knew.
 *
 * Rejects with TunError `UNSUPPORTED` for JSON where pino is not installed.
 */
export async function openLog(options: LogOptions = {}): Promise<LogSink> {
  const { level = 'info', format = 'pretty', stream = process.stderr } = options;
  const least = LOG_LEVELS.indexOf(level);
  const write = format === 'json' ? await jsonWriter(stream.fd) : prettyWriter(stream);
  return (of, message, fields) => {
    if (LOG_LEVELS.indexOf(of) >= least) write(of, message, fields);
  };
}

function prettyWriter(stream: NodeJS.WriteStream): LogSink {
  const isWatched = stream.isTTY === true && !process.env['NO_COLOR'];
  return (level, message, fields) => {
    const line = formatLine(level, message, fields);
    if (!isWatched) {
      stream.write(`typetun: ${line}\n`);
      return;
    }
    const time = new Date().toTimeString().split(' ', 1)[0];
    stream.write(
      `${DIM}${time}${RESET} ${COLOURS[level]}${level}${RESET}${line.slice(level.length)}\n`,
    );
  };
}

async function jsonWriter(descriptor: number): Promise<LogSink> {
  const { pino, destination, stdTimeFunctions } = await load();
  const logger = pino(
    {
      level: 'debug',
      base: { name: 'typetun' },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination({ fd: descriptor, sync: true }),
  );
  return (level, message, fields: LogFields) => logger[level](fields, message);
}

async function load(): Promise<typeof pinoModule> {
  try {
    const { default: pino } = await import('pino');
    return pino;
  } catch (error) {
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      'a log as JSON takes the package pino, which is not installed; install it with: npm install pino, or use --log-format pretty',
      { cause: error },
    );
  }
}
