/** `typetun run`: a command in a network of its own, with a far side, a policy, a capture, and counts. */

import { constants } from 'node:os';
import { type AdapterStatistics, PcapngWriter } from '../../index.ts';
import { DEFAULT_MTU } from '../../limits.ts';
import type { NamespaceResult, NamespaceRun, Policy } from '../../run.ts';
import { describeError, SIGNAL_EXIT_BASE, UsageError } from '../errors.ts';
import type { FarSide } from './far-side.ts';
import { SignalForwarding } from '../forwarding.ts';
import {
  checkAddresses,
  checkUtf8,
  type Destination,
  policyUrl,
  type RunCommandOptions,
  readDestination,
  readNames,
} from './options.ts';
import { type PumpParts, startPump } from './pump.ts';
import { type RunReport, reportLines } from './report.ts';
import { say } from './say.ts';

/** The adapter's addresses by default: those of `runInNamespace`. */
const DEFAULT_ADDRESSES = ['10.7.0.1/24', 'fd07::1/64'];
/** Exit status when the command could not even be tried, as of env(1): its own statuses are less likely that. */
const FAILED = 125;

/** Ended by a signal before there was a command to pass it to. */
class Ended extends Error {
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`);
    this.exitCode = SIGNAL_EXIT_BASE + constants.signals[signal];
  }
}

/** What is counted beside the adapter. */
interface Counted {
  statistics: AdapterStatistics | undefined;
  refused: number;
  policy: RunReport['policy'];
}

/** Runs the command; returns its exit status, or one of our own. */
export async function runRunCommand(
  command: readonly string[],
  options: RunCommandOptions,
): Promise<number> {
  const to = readDestination(options.to);
  const names = readNames(options.name, to);
  checkAddresses(options);
  checkUtf8();
  const url = options.policy === undefined ? undefined : policyUrl(options.policy);
  try {
    const { loadPolicy } = await import('../../run.ts');
    const policy = url === undefined ? undefined : await loadPolicy(url);
    const far = await openFarSide(to, options, names);
    try {
      return await runWith(command, options, far, policy);
    } finally {
      await far.close();
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (error instanceof Ended) return error.exitCode;
    say(`typetun: ${describeError(error)}`);
    return FAILED;
  }
}

async function openFarSide(
  to: Destination,
  { address, mtu }: RunCommandOptions,
  names: ReturnType<typeof readNames>,
): Promise<FarSide> {
  if (to.kind === 'reflector') {
    const { reflector } = await import('./reflector.ts');
    return reflector();
  }
  if (to.kind === 'adapter') {
    const { openAdapter } = await import('./adapter-side.ts');
    return openAdapter(to.name);
  }
  const { openHost } = await import('./host.ts');
  return openHost(address ?? DEFAULT_ADDRESSES, mtu ?? DEFAULT_MTU, names);
}

async function runWith(
  command: readonly string[],
  options: RunCommandOptions,
  far: FarSide,
  policy: Policy | undefined,
): Promise<number> {
  const file = options.pcap;
  const capture = file === undefined ? undefined : await PcapngWriter.open(file);
  const counted: Counted = { statistics: undefined, refused: 0, policy: undefined };
  let captureError: string | undefined;
  let result: NamespaceResult;
  try {
    result = await runCommand(command, options, far, capture, policy, counted);
  } finally {
    await capture?.close().catch((error: unknown) => {
      captureError = describeError(error);
    });
  }
  const { status, signal, rung, reason, unstarted } = result;
  if (unstarted !== undefined) say(`typetun: ${unstarted}`);
  const report: RunReport = {
    ...{ status, signal, rung, reason, to: far.description, adapter: counted.statistics! },
    refused: counted.refused,
    ...(counted.policy !== undefined && { policy: counted.policy }),
    ...(capture !== undefined && {
      pcap: {
        ...{ file: file!, ...capture.statistics },
        ...(captureError !== undefined && { error: captureError }),
      },
    }),
  };
  // Standard output is the command's.
  const text = options.json ? JSON.stringify(report) : reportLines(report).join('\n');
  say(text);
  return status;
}

async function runCommand(
  command: readonly string[],
  options: RunCommandOptions,
  far: FarSide,
  capture: PcapngWriter | undefined,
  policy: Policy | undefined,
  counted: Counted,
): Promise<NamespaceResult> {
  const { PolicyFilter, runInNamespace } = await import('../../run.ts');
  const { address: addresses, mtu, rung } = options;
  const dns = options.dns ?? far.dns;
  let lastError: string | undefined;
  const makeFilter: PumpParts['makeFilter'] =
    policy === undefined
      ? undefined
      : (largest, onDue) =>
          new PolicyFilter(policy, {
            mtu: largest,
            onDue,
            onPolicyError: (error) => {
              lastError = describeError(error);
            },
          });
  const ending = new AbortController();
  let run: NamespaceRun | undefined;
  using _forwarding = new SignalForwarding(
    (signal) => {
      if (run === undefined) ending.abort(new Ended(signal));
      else run.kill(signal);
    },
    () => run === undefined,
  );
  return await runInNamespace({
    command,
    ...(addresses !== undefined && { addresses }),
    ...(mtu !== undefined && { mtu }),
    ...(rung !== undefined && { rung }),
    ...(dns !== undefined && { dns }),
    signal: ending.signal,
    onAdapter: async (adapter, started) => {
      const pump = startPump(adapter, { far, capture, makeFilter });
      run = started;
      try {
        await pump.done;
      } finally {
        pump.filter?.close();
        counted.statistics = adapter.statistics;
        counted.refused = pump.refused;
        if (pump.filter !== undefined) {
          const error = lastError === undefined ? {} : { lastError };
          counted.policy = { ...pump.filter.statistics, ...error };
        }
      }
    },
  });
}
