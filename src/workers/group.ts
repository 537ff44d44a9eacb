/**
 * A function of packets, run over worker threads. Each thread attaches to all adapters of the group
 * and, where they have a hardware queue for each thread, gets one of its own: the kernel keeps every
 * flow in one queue and so in one thread, so nothing is reordered. When a thread ends, another reads its
 * queue as well; flows of the others stay where they are.
 */

import { type MessagePort, Worker } from 'node:worker_threads';
import type { Adapter } from '../adapter/adapter.ts';
import type { AdapterToken } from '../adapter/sharing.ts';
import { MAX_QUEUES } from '../limits.ts';
import { workerUrl } from '../os/worker-url.ts';

/** A thread that has not ended by itself so long after it was told to is terminated. In ms. */
const END_MS = 2000;

/** What `startWorkers` takes. */
export interface WorkersOptions {
  /**
   * What the threads read from: adapters that this thread created, each with `queues` of as many as
   * there are to be threads.
   */
  readonly adapters: readonly Adapter[];
  /**
   * Threads, 1 to 16. Default: one for each hardware queue, of the adapter that has the fewest. With more
   * than that, threads that take turns at a queue reorder its flows.
   */
  readonly workers?: number;
  /**
   * Module that exports a `WorkerMain` named `main`: an absolute URL, such as
   * `new URL('./filter.js', import.meta.url)`. Without one the group forwards: between two adapters,
   * or back to the one there is.
   */
  readonly module?: URL | string;
  /** Handed to the function in each thread, copied as by `postMessage`. */
  readonly data?: unknown;
}

/** What a thread is started with. */
export interface ThreadData {
  readonly tokens: readonly AdapterToken[];
  readonly module: string | undefined;
  readonly index: number;
  readonly workers: number;
  readonly data: unknown;
}

/**
 * Starts worker threads on adapters; resolves when all of them read.
 *
 * @throws TypeError or RangeError for the options, a TunError for an adapter that is closed or has 64
 * threads. Rejects with what the module threw, or with a TunError when a thread cannot attach; no
 * thread is left then.
 */
export async function startWorkers(options: WorkersOptions): Promise<WorkerGroup> {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`the options of startWorkers are an object, not ${String(options)}`);
  }
  const { adapters, module, data } = options;
  checkAdapters(adapters);
  const workers = checkCount(options.workers ?? fewestQueues(adapters));
  if (module === undefined && adapters.length > 2) {
    throw new TypeError(
      `${adapters.length} adapters and no module: say where packets go, by a module of your own`,
    );
  }
  const url = module === undefined ? undefined : checkModule(module);
  const threads: Worker[] = [];
  try {
    for (let index = 0; index < workers; index++) {
      threads.push(startThread(adapters, { module: url, index, workers, data }));
    }
  } catch (error) {
    await new WorkerGroup(threads).close();
    throw error;
  }
  const group = new WorkerGroup(threads);
  try {
    await Promise.all(threads.map(ready));
    return group;
  } catch (error) {
    await group.close();
    throw error;
  }
}

function startThread(adapters: readonly Adapter[], rest: Omit<ThreadData, 'tokens'>): Worker {
  const tokens: AdapterToken[] = [];
  const transferList: MessagePort[] = [];
  try {
    for (const adapter of adapters) {
      const { token, transfer } = adapter.share();
      tokens.push(token);
      transferList.push(...transfer);
    }
    const workerData: ThreadData = { tokens, ...rest };
    return new Worker(workerUrl('thread', import.meta.url), { workerData, transferList });
  } catch (error) {
    // Gives back the places of the thread that was not to be.
    for (const port of transferList) port.close();
    throw error;
  }
}

/** Resolves when the thread reads; rejects when it ends before. */
function ready(thread: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.once('message', () => resolve());
    thread.once('error', reject);
    thread.once('exit', (status) => reject(endedEarly(status)));
  });
}

/** Worker threads at work. They keep the process alive until they have ended. */
export class WorkerGroup implements AsyncDisposable {
  /**
   * Resolves when all threads have ended: after {@link close}, or because an adapter was closed.
   * Rejects with the first error of a thread; the others are then being closed. May be ignored.
   */
  readonly done: Promise<void>;
  readonly #threads: readonly Worker[];
  readonly #ended: Promise<unknown>;
  #closing = false;

  /** @internal Use {@link startWorkers}. */
  constructor(threads: readonly Worker[]) {
    this.#threads = threads;
    this.#ended = Promise.all(
      threads.map((thread) => new Promise((resolve) => void thread.once('exit', resolve))),
    );
    this.done = new Promise((resolve, reject) => {
      const failed = (error: unknown): void => {
        reject(error);
        void this.close();
      };
      for (const thread of threads) {
        thread.once('error', failed);
        thread.once('exit', (status) => {
          if (status !== 0 && !this.#closing) failed(endedEarly(status));
        });
      }
      void this.#ended.then(() => resolve());
    });
    this.done.catch(() => undefined);
  }

  /** Threads that were started. */
  get workers(): number {
    return this.#threads.length;
  }

  /**
   * Lets each thread finish the bundles it has read, and end; resolves when all have. A thread that
   * has not ended after two seconds is terminated. The adapters stay. Safe to call twice; never
   * rejects.
   */
  async close(): Promise<void> {
    this.#closing = true;
    for (const thread of this.#threads) thread.postMessage('end');
    const timer = setTimeout(() => {
      for (const thread of this.#threads) void thread.terminate();
    }, END_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function endedEarly(status: number): Error {
  return new Error(
    `a worker thread ended by itself, with status ${status}; the module is to return its function and leave the thread running`,
  );
}

function checkAdapters(adapters: readonly Adapter[]): void {
  if (!Array.isArray(adapters) || adapters.length === 0) {
    throw new TypeError(
      'adapters is no array of adapters; give those that the threads are to read',
    );
  }
  if (adapters.every((adapter: Adapter) => typeof adapter?.share === 'function')) return;
  throw new TypeError(
    'adapters has something in it that is no adapter; give what Adapter.create() resolved to',
  );
}

function fewestQueues(adapters: readonly Adapter[]): number {
  return Math.min(...adapters.map(({ properties }) => properties.capabilities.queues));
}

function checkCount(workers: number): number {
  if (Number.isInteger(workers) && workers >= 1 && workers <= MAX_QUEUES) return workers;
  throw new RangeError(
    `workers is ${String(workers)}; give a whole number from 1 to ${MAX_QUEUES}`,
  );
}

function checkModule(module: URL | string): string {
  if (URL.canParse(String(module))) return String(module);
  throw new TypeError(
    `"${String(module)}" is no absolute URL of a module; give new URL('./file.js', import.meta.url)`,
  );
}
