/** A driver host in this process, with a run directory of its own, for commands in other processes. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AdapterConfig, Host } from 'typetun/service';
import { type CommandOptions, type CommandOutcome, runTypetun } from './command.ts';

export interface RealHost extends AsyncDisposable {
  readonly host: Host;
  readonly runDirectory: string;
  /** Makes an adapter over the in-process link. */
  create(config: AdapterConfig): Promise<void>;
  /** Runs the command, which is told of this host. */
  typetun(args: readonly string[], options?: CommandOptions): Promise<CommandOutcome>;
  /** The same with `--json`, which must print one object and nothing else, and end well. */
  json(...args: string[]): Promise<Record<string, unknown>>;
}

export async function startHost(): Promise<RealHost> {
  const folder = mkdtempSync(join(tmpdir(), 'typetun-host-'));
  const runDirectory = join(folder, 'run');
  const host = await Host.start({ runDirectory });
  const typetun: RealHost['typetun'] = (args, options = {}) =>
    runTypetun(args, { ...options, env: { TYPETUN_HOST: runDirectory, ...options.env } });
  return {
    host,
    runDirectory,
    typetun,
    async create(config) {
      await host.call('adapter.create', { link: 'memory', ...config });
    },
    async json(...args) {
      const { code, stdout, stderr } = await typetun([...args, '--json']);
      if (code !== 0 || stderr !== '' || !/^[^\n]+\n$/.test(stdout)) {
        throw new Error(`typetun ${args.join(' ')}: ${code}\n${stderr}\n${stdout}`);
      }
      return JSON.parse(stdout) as Record<string, unknown>;
    },
    async [Symbol.asyncDispose]() {
      await host.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
