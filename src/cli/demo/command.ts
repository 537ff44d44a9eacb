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

/** Options as the command line gives them. */
export interface DemoCommandOptions {
  readonly link: 'auto' | 'linux' | 'memory';
  readonly seconds?: number;
  readonly json?: boolean;
}

/** Runs the command; returns its exit status. */
export async function runDemoCommand(options: DemoCommandOptions): Promise<number> {
  // With --json standard output is for the object alone; what a person reads goes to the other.
  const terminal = terminalOf(options.json ? process.stderr : process.stdout);
  const addresses = addressesFor(options.link);
  if (addresses.note !== undefined) terminal.line(addresses.note);
  const live = new LiveLine(terminal);
  try {
    const result = await interruptible((signal) =>
      runDemo(
        { link: options.link, seconds: options.seconds ?? 0, addresses, signal },
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
    if (options.json) {
      process.stdout.write(`${JSON.stringify({ ok: false, error: describeError(error) })}\n`);
    }
    terminal.line(`typetun demo: ${describeError(error)}`);
    return error instanceof Interrupted ? error.exitCode : ExitCode.FAILED;
  }
}

function printOpened({ adapter, link, reason }: DemoAdapter, terminal: Terminal): void {
  const where = link === 'linux' ? "the kernel's TUN" : 'in process';
  terminal.line(`${terminal.style('typetun demo', 'bold')}, ${where}: ${reason}`);
  terminal.line(
    `adapter ${terminal.style(adapter.name, 'bold')}, device ${adapter.deviceName}, ${adapter.addresses.join(', ')}, MTU ${adapter.mtu}`,
  );
  terminal.line();
}
