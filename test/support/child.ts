/** Runs a script in a process of its own, for what can only be seen at its end. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface ScriptResult {
  /** Exit status; null when it was killed because it did not end in time. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Runs `code` as a module that can import the product; kills it after `timeoutMs`. */
export async function runScript(code: string, timeoutMs = 10_000): Promise<ScriptResult> {
  const start = performance.now();
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: ROOT,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout, stderr, tookMs: performance.now() - start };
}
