/** `typetun dvl check FILE`: whether a Driver Verification Log belongs to these very sources. */

import { VERSION } from '../../index.ts';
import { ExitCode } from '../errors.ts';
import { terminalOf } from '../terminal.ts';
import { readLog } from './log.ts';
import { hashSources, type SourceHash } from './sources.ts';

export interface DvlCheckOptions {
  readonly json?: boolean;
}

/** A file that is not what the log says. */
interface Difference {
  readonly path: string;
  readonly what: 'changed' | 'added' | 'missing';
}

/** Runs the command; returns its exit status: 0 when the log belongs to the sources and is good. */
export function runDvlCheck(file: string, options: DvlCheckOptions): number {
  const log = readLog(file);
  const differences = compare(log.sources, hashSources());
  const ok = log.ok && log.version === VERSION && differences.length === 0;
  if (options.json) {
    const { version, commit } = log;
    process.stdout.write(
      `${JSON.stringify({ ok, log: { version, commit, ok: log.ok }, differences })}\n`,
    );
    return ok ? ExitCode.OK : ExitCode.FAILED;
  }
  const terminal = terminalOf(process.stdout);
  for (const { path, what } of differences) terminal.line(`${what}: ${path}`);
  if (log.version !== VERSION) {
    terminal.line(`the log is of version ${log.version}, this is ${VERSION}`);
  }
  if (!log.ok) terminal.line('the log says that not all rules held');
  terminal.line(
    ok
      ? `the log belongs to these sources (${log.sources.length} files, compared by SHA-256), and says that all rules held`
      : 'the log does NOT vouch for these sources; run "npm run dvl" again',
  );
  return ok ? ExitCode.OK : ExitCode.FAILED;
}

function compare(logged: readonly SourceHash[], present: readonly SourceHash[]): Difference[] {
  const now = new Map(present.map(({ path, sha256 }) => [path, sha256]));
  const then = new Set(logged.map(({ path }) => path));
  const differences: Difference[] = [];
  for (const { path, sha256 } of logged) {
    const found = now.get(path);
    if (found === undefined) differences.push({ path, what: 'missing' });
    else if (found !== sha256) differences.push({ path, what: 'changed' });
  }
  for (const path of now.keys()) if (!then.has(path)) differences.push({ path, what: 'added' });
  return differences;
}
