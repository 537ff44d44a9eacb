/** The demo itself: an adapter, a reflector, and the checks one after the other. No printing. */

import { WindowsEcho } from '../../os/windows-echo.ts';
import type { DemoAddresses } from './addresses.ts';
import { checkIcmp } from './checks/icmp.ts';
import { checkMemoryIcmp, checkMemoryPause, checkMemoryUdp } from './checks/memory.ts';
import { checkPause } from './checks/pause.ts';
import { checkTcp } from './checks/tcp.ts';
import { checkUdp } from './checks/udp.ts';
import { type DemoAdapter, openDemoAdapter } from './open.ts';
import { reflect } from './reflector.ts';
import type { Choice } from './rungs.ts';
import { CHECK_NAMES, type Check, type CheckName, type DemoResult, isSkipped } from './result.ts';

/** What the demo is asked to do. */
export interface DemoOptions {
  readonly choice: Choice;
  /** Seconds TCP is kept up, both families together; 0 for no longer than it takes. */
  readonly seconds: number;
  readonly addresses: DemoAddresses;
  /** Ends the demo early; it then rejects with the reason, with everything cleaned up. */
  readonly signal: AbortSignal;
}

/** Told of what goes on. */
export interface DemoObserver {
  opened(demo: DemoAdapter): void;
  began(name: CheckName): void;
  ended(check: Check): void;
  /** Bytes that arrived at the far end of a check. */
  bytes(count: number): void;
}

const TCP_FAMILIES = 2;
const NO_TCP =
  'the in-memory host answers ICMP and UDP and has no TCP; run on Linux, as root or where user namespaces are allowed';

/** Runs all checks. Whatever happens, the adapter is closed when this settles. */
export async function runDemo(options: DemoOptions, observer: DemoObserver): Promise<DemoResult> {
  options.signal.throwIfAborted();
  const demo = await openDemoAdapter(options.choice, options.addresses);
  const { adapter } = demo;
  const ending = abortedWhen(options.signal);
  try {
    observer.opened(demo);
    const reflecting = reflect(adapter.openDevice());
    const failing = reflecting.then(() => ending.never);
    const checks = await Promise.race([
      runChecks(demo, options, observer),
      ending.aborted,
      failing,
    ]);
    return result(demo, checks);
  } finally {
    ending.dispose();
    await adapter.close();
  }
}

/** A promise that rejects when the signal aborts, and one that never settles. */
function abortedWhen(signal: AbortSignal): {
  aborted: Promise<never>;
  never: Promise<never>;
  dispose(): void;
} {
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  return {
    aborted,
    never: new Promise<never>(() => undefined),
    dispose: () => signal.removeEventListener('abort', onAbort),
  };
}

async function runChecks(
  demo: DemoAdapter,
  options: DemoOptions,
  observer: DemoObserver,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const name of CHECK_NAMES) {
    observer.began(name);
    const check = await runCheck(name, demo, options, observer);
    checks.push(check);
    observer.ended(check);
  }
  return checks;
}

/** One check; a failure to carry it out is a failed check, unless the demo is being ended. */
async function runCheck(
  name: CheckName,
  demo: DemoAdapter,
  options: DemoOptions,
  observer: DemoObserver,
): Promise<Check> {
  const family = name.endsWith('6') ? 6 : 4;
  if (family === 6 && demo.noIpv6 !== undefined) return { name, skipped: demo.noIpv6 };
  try {
    return await (demo.host === undefined
      ? kernelCheck(name, family, demo, options, observer)
      : memoryCheck(name, family, demo, options, observer));
  } catch (error) {
    options.signal.throwIfAborted();
    return { name, ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

function kernelCheck(
  name: CheckName,
  family: 4 | 6,
  { adapter, link }: DemoAdapter,
  options: DemoOptions,
  observer: DemoObserver,
): Promise<Check> {
  const { local, remote } = options.addresses[family];
  const context = {
    local,
    remote,
    mtu: adapter.mtu,
    ...(link === 'windows' ? { openEcho: WindowsEcho.open } : {}),
    signal: options.signal,
    onBytes: (bytes: number) => observer.bytes(bytes),
  };
  if (name === 'pause') return checkPause(context, adapter);
  if (name.startsWith('icmp')) return checkIcmp(context, family);
  if (name.startsWith('udp')) return checkUdp(context, family);
  return checkTcp(context, family, options.seconds / TCP_FAMILIES);
}

async function memoryCheck(
  name: CheckName,
  family: 4 | 6,
  { adapter, host }: DemoAdapter,
  options: DemoOptions,
  observer: DemoObserver,
): Promise<Check> {
  if (host === undefined || name.startsWith('tcp')) return { name, skipped: NO_TCP };
  const context = {
    host,
    remote: options.addresses[family].remote,
    mtu: adapter.mtu,
    signal: options.signal,
    onBytes: (bytes: number) => observer.bytes(bytes),
  };
  if (name === 'pause') return checkMemoryPause(context, adapter);
  return name.startsWith('icmp')
    ? checkMemoryIcmp(context, family)
    : checkMemoryUdp(context, family);
}

function result({ adapter, link, reason }: DemoAdapter, checks: readonly Check[]): DemoResult {
  const { statistics } = adapter;
  const { read, written, packetsRead, maxPackets } = statistics.bundles;
  const mean = read === 0 ? 0 : packetsRead / read;
  const made = checks.filter((check) => !isSkipped(check));
  return {
    ok: made.length > 0 && made.every((check) => !isSkipped(check) && check.ok),
    link,
    reason,
    adapter: {
      name: adapter.name,
      luidIndex: adapter.luidIndex,
      device: adapter.deviceName,
      mtu: adapter.mtu,
      addresses: adapter.addresses,
    },
    checks,
    statistics,
    bundles: {
      read,
      written,
      packetsPerBundle: { mean: Number(mean.toFixed(2)), max: maxPackets },
    },
  };
}
