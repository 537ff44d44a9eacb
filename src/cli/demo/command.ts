/** `typetun demo`: runs the demo and prints it, for a person or as JSON. */

import { describeError, ExitCode } from '../errors.ts';
import { Interrupted, interruptible } from '../signals.ts';
import { type Terminal, terminalOf } from '../terminal.ts';
import { addressesFor } from './addresses.ts';
import { LiveLine } from './live.ts';
import type { DemoAdapter } from './open.ts';
import { checkLine, summaryLines } from './report.ts';
import type { Check } from './result.ts';
import { runDemo } from './run.ts';
import {
  type Choice,
  chooseLink,
  type DemoLink,
  isInside,
  runInside,
  settleInside,
  whyNoNamespace,
} from './rungs.ts';

/** Options as the command line gives them. */
export interface DemoCommandOptions {
  readonly link: 'auto' | DemoLink;
  readonly seconds?: number;
  readonly json?: boolean;
  /** Why this process is one in a user namespace, started for the demo (rungs.ts). */
  readonly inside?: string;
}

/** Where each link is, in words. */
const WHERE: Readonly<Record<DemoLink, string>> = {
  linux: "the kernel's TUN",
  windows: 'Wintun',
  rootless: "the kernel's TUN, without privileges",
  veth: 'a veth pair, without privileges and without /dev/net/tun',
  memory: 'in process',
};

/** Runs the command; returns its exit status. */
export async function runDemoCommand(options: DemoCommandOptions): Promise<number> {
  // With --json standard output is for the object alone; what a person reads goes to the other.
  const terminal = terminalOf(options.json ? process.stderr : process.stdout);
  let choice: Choice;
  try {
    choice = await choose(options);
    if (isInside(choice.link) && options.inside === undefined) {
      return await runInside(choice, wordsOf(options));
    }
  } catch (error) {
    return failed(error, options, terminal);
  }
  const addresses = addressesFor(choice.link);
  if (addresses.note !== undefined) terminal.line(addresses.note);
  const live = new LiveLine(terminal);
  try {
    const result = await interruptible((signal) =>
      runDemo(
        { choice, seconds: options.seconds ?? 0, addresses, signal },
        {
          opened: (demo) => printOpened(demo, terminal),
          began: (name) => live.began(name),
          ended: (check: Check) => terminal.line(checkLine(check, terminal)),
          bytes: (count) => live.bytes(count),
        },
      ),
    );
    live.stop();
    for (const line of summaryLines(result, live.rates, terminal)) terminal.line(line);
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    return result.ok ? ExitCode.OK : ExitCode.FAILED;
  } catch (error) {
    live.stop();
    return failed(error, options, terminal);
  }
}

function failed(error: unknown, { json }: DemoCommandOptions, terminal: Terminal): number {
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok: false, error: describeError(error) })}\n`);
  }
  terminal.line(`typetun demo: ${describeError(error)}`);
  return error instanceof Interrupted ? error.exitCode : ExitCode.FAILED;
}

async function choose({ link, inside }: DemoCommandOptions): Promise<Choice> {
  if (link === 'auto') return chooseLink();
  if (inside !== undefined) {
    settleInside();
    return { link, reason: inside };
  }
  if (isInside(link)) {
    const refused = await whyNoNamespace(link);
    if (refused !== undefined) throw new Error(refused);
  }
  return { link, reason: `asked for with --link ${link}` };
}

/** The options that the process inside is to be given. */
function wordsOf({ seconds, json }: DemoCommandOptions): string[] {
  return [
    ...(seconds === undefined ? [] : ['--seconds', String(seconds)]),
    ...(json ? ['--json'] : []),
  ];
}

function printOpened({ adapter, link, reason }: DemoAdapter, terminal: Terminal): void {
  terminal.line(`${terminal.style('typetun demo', 'bold')}, ${WHERE[link]}: ${reason}`);
  terminal.line(
    `adapter ${terminal.style(adapter.name, 'bold')}, device ${adapter.deviceName}, ${adapter.addresses.join(', ')}, MTU ${adapter.mtu}`,
  );
  terminal.line();
}
