/** Worker threads of tests: each runs one of `test/support/worker-programs.ts` on an adapter. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Adapter } from 'typetun';
import type { ProgramName, ProgramOptions } from './worker-programs.ts';

export interface TestWorker {
  readonly worker: Worker;
  /** The next message of the program. */
  next(): Promise<unknown>;
  /** Says something to the program. */
  say(message: unknown): void;
  /** Ends the thread however it is; resolves when it has ended. */
  terminate(): Promise<void>;
}

/** Starts a program in a thread that attaches to `adapter`; resolves when it has. */
export async function startWorker(
  adapter: Adapter,
  program: ProgramName,
  options: ProgramOptions = {},
): Promise<TestWorker> {
  const { token, transfer } = adapter.share();
  const worker = new Worker(new URL('./worker-programs.js', import.meta.url), {
    workerData: { token, program, options },
    transferList: [...transfer],
  });
  const failed = new Promise<never>((_, reject) => worker.once('error', reject));
  failed.catch(() => undefined);
  const next = async (): Promise<unknown> => {
    const [message] = (await Promise.race([once(worker, 'message'), failed])) as [unknown];
    return message;
  };
  const result: TestWorker = {
    worker,
    next,
    say: (message) => worker.postMessage(message),
    terminate: async () => void (await worker.terminate()),
  };
  const first = await next();
  if (first !== 'attached') throw new Error(`the worker said ${String(first)}`);
  return result;
}
