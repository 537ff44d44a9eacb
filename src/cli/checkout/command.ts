/** Runs a script of the source checkout that this is; says so where it is none. */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExitCode, SIGNAL_EXIT_BASE } from '../errors.ts';
import { SignalForwarding } from '../forwarding.ts';

/** This file is dist/cli/checkout/command.js. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The script of each command, and what it is called with before the user's words. */
const SCRIPTS = {
  bench: ['bench.mjs'],
  sdv: ['verify.mjs', 'sdv'],
} as const;

/** Runs it; resolves to its exit status. `root` is another folder for tests. */
export async function runInCheckout(
  name: keyof typeof SCRIPTS,
  words: readonly string[],
  root: string = ROOT,
): Promise<number> {
  const [file, ...first] = SCRIPTS[name];
  const script = join(root, 'scripts', file);
  if (!existsSync(script)) {
    process.stderr.write(
      `typetun: ${name} is part of a source checkout, and this is the installed package (${root}); ${remedy(name, root)}\n`,
    );
    return ExitCode.FAILED;
  }
  const child = spawn(process.execPath, [script, ...first, ...words], { stdio: 'inherit' });
  using _forwarding = new SignalForwarding(
    (signal) => child.kill(signal),
    () => false,
  );
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      resolve(code ?? (signal === null ? 1 : SIGNAL_EXIT_BASE + constants.signals[signal]));
    });
  });
}

function remedy(name: string, root: string): string {
  const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    repository?: string | { readonly url?: string };
  };
  const url = typeof repository === 'string' ? repository : repository?.url;
  const where =
    url === undefined
      ? 'clone the repository that the package was packed from'
      : `git clone ${url.replace(/^git\+/, '')}`;
  return `${where}, and there: npm ci && npm run ${name}`;
}
