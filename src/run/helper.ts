/**
 * The helper as the program sees it: started in new namespaces, followed step by step, and the command
 * after it. Whatever happens, nothing of it is left when `ended` resolves and `close` was called.
 */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { TunError, TunErrorCode } from '../index.ts';
import { holdLoop, releaseLoop } from '../keep-alive.ts';
import { libc } from '../os/libc.ts';
import { socketPair } from '../os/fd-passing.ts';
import { type Watch, watchReadable } from '../os/poll.ts';
import { workerUrl } from '../os/worker-url.ts';
import { ControlSocket } from './control-socket.ts';
import type { Rung } from './options.ts';
import {
  type Failure,
  GO,
  HelperDescriptor,
  type HelperMessage,
  type Order,
  type Step,
} from './protocol.ts';
import { explainRefusal, namespaceSettings } from './refusals.ts';

/** Options of unshare(1), in the short forms that busybox has as well. */
const NAMESPACES: Readonly<Record<Rung, readonly string[]>> = {
  kernel: ['-n', '-m'],
  rootless: ['-U', '-r', '-n', '-m'],
  veth: ['-U', '-r', '-n', '-m'],
};
const UNSHARE = 'unshare';
/** What would make the helper's Node behave as the command's is to. */
const NODE_SETTINGS: readonly string[] = [
  'NODE_OPTIONS',
  'NODE_V8_COVERAGE',
  'NODE_EXTRA_CA_CERTS',
];
/** Characters of complaints that are kept. */
const MAX_COMPLAINT = 4096;
const STANDARD_ERROR = 2;

const FIRST_STEP: Step = 'entering new namespaces';
const LAST_STEP: Step = 'starting the command';

/** How the helper, or the command, ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What the helper hands over. */
export interface Handover {
  /** The adapter's, and one to be held as long as the adapter is used, where there is one (child.ts). */
  readonly fds: readonly number[];
  readonly info: Extract<HelperMessage, { kind: 'ready' }>['info'];
}

export class Helper {
  readonly child: ChildProcess;
  /** Resolves when the process is gone. Never rejects. */
  readonly ended: Promise<Ending>;
  /** The step it was at when it was last heard of. */
  #step: Step = FIRST_STEP;
  readonly #control: ControlSocket;
  readonly #watch: Watch;
  readonly #complaint: Promise<string>;
  #startError: Error | undefined;
  /** Messages that nobody has asked for yet, and who asks. */
  readonly #messages: HelperMessage[] = [];
  #silent = false;
  #holdsLoop = true;
  #wake: (() => void) | undefined;

  /**
   * Starts it; failures show in {@link handover}.
   *
   * @throws TunError `SYSCALL`; TypeError for `stdio`.
   */
  constructor(rung: Rung, order: Omit<Order, 'parent'>, stdio: StdioOptions) {
    const [ours, theirs] = socketPair();
    this.#control = new ControlSocket(ours);
    try {
      this.child = start(rung, theirs, stdio);
    } catch (error) {
      this.#control.close();
      throw error;
    } finally {
      libc().close(theirs);
    }
    const { child } = this;
    this.ended = new Promise((resolve) => {
      child.on('exit', (code, signal) => resolve({ code, signal }));
      child.on('error', (error) => {
        this.#startError = error;
        if (child.pid === undefined) resolve({ code: null, signal: null });
      });
    });
    this.#complaint = textOf(child.stderr!);
    const orders = child.stdio[HelperDescriptor.ORDER] as Duplex;
    // It may be gone before it has read them: what matters is then said by its end.
    orders.on('error', () => undefined);
    orders.end(JSON.stringify({ ...order, parent: process.pid } satisfies Order));
    this.#watch = watchReadable(ours, () => this.#receive());
    this.#watch.start();
    // The child may be gone before its last words are read: then nothing else holds the loop.
    holdLoop();
  }

  /**
   * Waits for the adapter's descriptors, which are then the caller's.
   *
   * @throws TunError that names the step: what failed there, `NETNS` when the namespaces are refused,
   * `UNSUPPORTED` without unshare(1), `HELPER` when the helper is gone.
   */
  async handover(): Promise<Handover> {
    for (;;) {
      const message = await this.#message();
      if (message === undefined) throw await this.#deathError();
      if (message.kind === 'failed') throw this.#failed(message.failure);
      if (message.kind === 'step') this.#step = message.step;
      else return { fds: this.#control.received.splice(0), info: message.info };
    }
  }

  /**
   * Lets the command start. Resolves when it has; with the reason when it does not.
   *
   * @throws TunError `HELPER` when the helper is gone before.
   */
  async go(): Promise<Failure | undefined> {
    try {
      this.#control.send(GO);
    } catch {
      throw await this.#deathError();
    }
    for (;;) {
      const message = await this.#message();
      if (message?.kind === 'failed') return message.failure;
      if (message?.kind === 'step') this.#step = message.step;
      if (message !== undefined) continue;
      if (this.#step === LAST_STEP) return undefined;
      throw await this.#deathError();
    }
  }

  /** The command's standard error, if it is piped. */
  get stderr(): Readable | null {
    const streams: readonly unknown[] = this.child.stdio;
    return (streams[HelperDescriptor.STDERR] as Readable | null | undefined) ?? null;
  }

  /** Ends it if it is still there, and releases what the program has of it. Idempotent. */
  async close(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
    await this.#watch.close();
    this.#control.close();
    if (this.#holdsLoop) releaseLoop();
    this.#holdsLoop = false;
  }

  #receive(): void {
    const lines = this.#control.receive();
    if (lines === undefined) {
      this.#watch.stop();
      this.#silent = true;
    } else {
      this.#messages.push(...(lines as HelperMessage[]));
    }
    this.#wake?.();
  }

  /** The next message; undefined when there will be none any more. */
  async #message(): Promise<HelperMessage | undefined> {
    while (this.#messages.length === 0 && !this.#silent) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#messages.shift();
  }

  #failed({ message, code, syscall, errno }: Failure): TunError {
    const known = Object.values(TunErrorCode).find((one) => one === code);
    const details = { syscall, errno };
    const text = `the helper failed while ${this.#step}: ${message}`;
    return new TunError(known ?? TunErrorCode.HELPER, text, details);
  }

  async #deathError(): Promise<TunError> {
    const { code, signal } = await this.ended;
    const cause = this.#startError;
    if (cause !== undefined) {
      return new TunError(
        TunErrorCode.UNSUPPORTED,
        `the command "${UNSHARE}" does not start (${cause.message}); install util-linux, and have it in PATH`,
        { cause },
      );
    }
    const complaint = await this.#complaint;
    if (this.#step === FIRST_STEP && signal === null) {
      return new TunError(
        TunErrorCode.NETNS,
        `new namespaces are refused: ${explainRefusal(complaint, namespaceSettings())}`,
      );
    }
    const how = signal === null ? `ended with status ${code}` : `was ended by ${signal}`;
    const last = complaint.trim() === '' ? '' : `; it said "${complaint.trim()}"`;
    return new TunError(
      TunErrorCode.HELPER,
      `the helper ${how} while ${this.#step}, so the command did not start${last}`,
    );
  }
}

function start(rung: Rung, control: number, stdio: StdioOptions): ChildProcess {
  const [input, output, error] = Array.isArray(stdio) ? stdio : [stdio, stdio, stdio];
  const program = fileURLToPath(workerUrl('child', import.meta.url));
  const settings = Object.entries(process.env).filter(([name]) => !NODE_SETTINGS.includes(name));
  return spawn(UNSHARE, [...NAMESPACES[rung], process.execPath, program], {
    // Its words are what tells what is wrong.
    env: { ...Object.fromEntries(settings), LC_ALL: 'C' },
    stdio: [
      input ?? 'inherit',
      output ?? 'inherit',
      'pipe',
      control,
      'pipe',
      error === undefined || error === 'inherit' ? STANDARD_ERROR : error,
    ],
  });
}

/** All that a stream says, cut to a sensible length. */
async function textOf(stream: Readable): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (part: string) => {
    text = (text + part).slice(0, MAX_COMPLAINT);
  });
  await once(stream, 'close');
  return text;
}
