/** `typetun doctor`: what this machine allows, what is missing, and the remedy. */

import { ExitCode } from '../errors.ts';
import { terminalOf } from '../terminal.ts';
import { findings } from './checks.ts';
import type { Finding } from './finding.ts';

/** Links from the best down, as the demo takes them. */
const LADDER = ['linux', 'windows', 'rootless', 'veth', 'memory'] as const;

export interface DoctorCommandOptions {
  readonly json?: boolean;
}

/** Runs the command; 0 when at least one link works. */
export async function runDoctorCommand(options: DoctorCommandOptions): Promise<number> {
  const found = await findings();
  const works = (name: string): boolean =>
    found.some((one) => one.name === name && one.ok === true);
  const auto = LADDER.find((link) => works(`link-${link}`)) ?? null;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ok: auto !== null, auto, findings: found })}\n`);
  } else {
    print(found, auto);
  }
  return auto === null ? ExitCode.FAILED : ExitCode.OK;
}

function print(found: readonly Finding[], auto: string | null): void {
  const terminal = terminalOf(process.stdout);
  const width = Math.max(...found.map((one) => one.name.length));
  for (const { name, ok, detail, remedy } of found) {
    const mark =
      ok === undefined
        ? terminal.style('note', 'dim')
        : ok
          ? terminal.style('ok  ', 'green')
          : terminal.style('no  ', 'red');
    terminal.line(`${mark}  ${name.padEnd(width)}  ${detail}`);
    if (remedy !== undefined && ok !== true) {
      terminal.line(
        `${' '.repeat(mark.length > 4 ? 6 : mark.length + 2)}${' '.repeat(width)}  ${terminal.style(`remedy: ${remedy}`, 'yellow')}`,
      );
    }
  }
  terminal.line();
  terminal.line(
    auto === null ? 'No link works here.' : `typetun demo would take the link "${auto}".`,
  );
}
