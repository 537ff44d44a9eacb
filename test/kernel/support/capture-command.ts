/** `typetun capture` as a process of its own, which has begun to capture. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface CaptureRun {
  readonly child: ChildProcess;
  /** Standard output and standard error so far. */
  readonly stdout: () => Buffer;
  readonly stderr: () => string;
  /** Its exit status, when it has ended. */
  readonly ended: Promise<number | null>;
  /** Interrupts it, and waits for its end. */
  stop(): Promise<number | null>;
}

const TIMEOUT_MS = 60_000;

/** Starts it with these arguments; resolves when it captures, or has ended. `pipe` runs behind it in a shell. */
export async function startCapture(args: readonly string[], pipe?: string): Promise<CaptureRun> {
  const command = [process.execPath, 'dist/cli/main.js', 'capture', ...args];
  const [program, ...rest] =
    pipe === undefined ? command : ['sh', '-c', `"$@" | ${pipe}`, 'sh', ...command];
  const child = spawn(program!, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const chunks: Buffer[] = [];
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = once(child, 'close').then(([status]) => status as number | null);
  const begun = async (): Promise<void> => {
    while (!errors.includes('capturing on')) await once(child.stderr, 'data');
  };
  await Promise.race([begun(), ended]);
  return {
    child,
    stdout: () => Buffer.concat(chunks),
    stderr: () => errors,
    ended,
    stop: async () => {
      child.kill('SIGINT');
      return await ended;
    },
  };
}
