/** How a host is looked at: the options of `typetun serve` for it, and what they bring. */

import { type Command, Option } from 'commander';
import type { LogFormat, Observers } from '../../observe.ts';
import type { Host, LogLevel, LogSink } from '../../service.ts';
import { describeError } from '../errors.ts';

/** As in typetun/observe, which is only loaded when a host runs. */
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const FORMATS: readonly LogFormat[] = ['pretty', 'json'];

export interface ObservingOptions {
  readonly dashboard?: string;
  readonly dashboardTokenFile?: string;
  readonly metrics?: string;
  readonly metricsTokenFile?: string;
  readonly logLevel?: LogLevel;
  readonly logFormat?: LogFormat;
}

export function addObservingOptions(command: Command): Command {
  return command
    .option('--dashboard <address:port>', 'a web page that shows the host, such as 127.0.0.1:8620')
    .option(
      '--dashboard-token-file <file>',
      'its token: then it can pause and restart, and shows nothing without',
    )
    .option(
      '--metrics <address:port>',
      "Prometheus' metrics, at /metrics; may be the dashboard's address",
    )
    .option('--metrics-token-file <file>', 'the token that those want')
    .addOption(
      new Option('--log-level <level>', 'the least that is logged').choices(LEVELS).default('info'),
    )
    .addOption(
      new Option('--log-format <format>', 'lines for people, or JSON')
        .choices(FORMATS)
        .default('pretty'),
    );
}

/** The log that the options ask for. What is wrong with the others shows here, before there is a host. */
export async function openHostLog(options: ObservingOptions): Promise<LogSink> {
  const { checkObserveOptions, openLog } = await import('../../observe.ts');
  checkObserveOptions(options);
  const { logLevel, logFormat } = options;
  return openLog({ level: logLevel, format: logFormat });
}

/** Serves what is asked for, says where, and logs what happens to adapters from then on. Rejects as `Observers.open`. */
export async function observe(host: Host, options: ObservingOptions): Promise<Observers> {
  const { Observers: ObserversClass, logEvents } = await import('../../observe.ts');
  const { dashboard, dashboardTokenFile, metrics, metricsTokenFile } = options;
  const log: LogSink = (level, message, fields) => host.log[level](message, fields);
  const observers: Observers = await ObserversClass.open(host, {
    ...{ dashboard, dashboardTokenFile, metrics, metricsTokenFile },
    ofProcess: true,
    log,
  });
  await logEvents(host, log);
  const { dashboardUrl, metricsUrl } = observers;
  if (dashboardUrl !== undefined) host.log.info(`dashboard at ${dashboardUrl}`);
  if (metricsUrl !== undefined) host.log.info(`metrics at ${metricsUrl}`);
  return observers;
}

/** What SIGUSR1 does. Never rejects: that it failed is in the log. */
export async function writeDebug(host: Host): Promise<void> {
  const { writeDebugFile } = await import('../../observe.ts');
  try {
    host.log.info(`debug report at ${await writeDebugFile(host, host.runDirectory)}`);
  } catch (error) {
    host.log.error(`no debug report: ${describeError(error)}`);
  }
}
