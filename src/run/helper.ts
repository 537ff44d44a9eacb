/**
 * The helper as the program sees it: started in new namespaces, followed step by step, and the command
 * after it. Whatever happens, nothing of it is left when `ended` resolves and `close` was called.
 */

import type { ChildProcess, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import type { Duplex, Readable } from 'node:stream';
import { TunError, TunErrorCode } from '../index.ts';
import { holdLoop, releaseLoop } from '../keep-alive.ts';
import { ownedByThread } from '../os/descriptors.ts';
import { libc } from '../os/libc.ts';
import { socketPair } from '../os/fd-passing.ts';
import { type Watch, watchReadable } from '../os/poll.ts';
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
import { startHelper, UNSHARE } from './start-helper.ts';

/** Characters of complaints that are kept. */
const MAX_COMPLAINT = 4096;

/** Signals by which somebody asks a command to end; others that end a helper tell of a failure. */
const COMMAND_ENDING: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
];

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
  #receiveError: unknown;
  #started = false;
  /** Signals for the command, from before it was there. */
  readonly #signals: NodeJS.Signals[] = [];
  /** Messages that nobody has asked for yet, and who asks. */
  readonly #messages: HelperMessage[] = [];
  #silent = false;
  #holdsLoop = true;
  #wake: (() => void) | undefined;

  /**
   * Starts it; failures show in {@link handover}.
   *
   * @throws TunError `SYSCALL`, without descriptors or processes left; TypeError for `stdio`. Nothing is
   * left then.
   */
  constructor(rung: Rung, order: Omit<Order, 'parent'>, stdio: StdioOptions) {
    const [ours, theirs] = socketPair();
    try {
      this.#control = new ControlSocket(ownedByThread(ours));
      try {
        this.child = startHelper(rung, theirs, stdio);
      } catch (error) {
        this.#control.close();
        throw error;
      }
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
    try {
      this.#watch = watchReadable(this.#control.fd, () => this.#receive());
      this.#watch.start();
    } catch (error) {
      child.kill('SIGKILL');
      this.#control.close();
      throw error;
    }
    // The child may be gone before its last words are read: then nothing else holds the loop.
    holdLoop();
  }

  /**
   * Waits for the adapter's descriptors, which are then the caller's.
   *
   * @throws TypeError or RangeError for what the adapter cannot be made with; TunError that names the step: what failed there, `NETNS` when the namespaces are refused,
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
   * Lets the command start. Resolves when it has; with the reason when it does not. A helper that
   * somebody ended in the meantime by a signal that ends commands, as a terminal's ^C does, counts as
   * the command that it is about to be.
   *
   * @throws TunError `HELPER` when the helper is gone before.
   */
  async go(): Promise<Failure | undefined> {
    try {
      this.#control.send(GO);
    } catch {
      return this.#endedEarly();
    }
    for (;;) {
      const message = await this.#message();
      if (message?.kind === 'failed') return message.failure;
      if (message?.kind === 'step') this.#step = message.step;
      if (message !== undefined) continue;
      if (this.#step !== LAST_STEP) return this.#endedEarly();
      this.#started = true;
      for (const signal of this.#signals.splice(0)) this.child.kill(signal);
      return undefined;
    }
  }

  /**
   * Sends a signal to the command: one that comes before it has started reaches it as soon as it has. Only
   * SIGKILL ends the helper, too. Returns whether it was there to get it.
   */
  kill(signal: NodeJS.Signals): boolean {
    const { child } = this;
    const isKnown = Object.hasOwn(constants.signals, signal);
    if (this.#started || signal === 'SIGKILL' || !isKnown) return child.kill(signal);
    if (child.exitCode !== null || child.signalCode !== null) return false;
    this.#signals.push(signal);
    return true;
  }

  async #endedEarly(): Promise<undefined> {
    const error = await this.#deathError();
    const { signal } = await this.ended;
    if (signal === null || !COMMAND_ENDING.includes(signal)) throw error;
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
    let lines: unknown[] | undefined;
    try {
      lines = this.#control.receive();
    } catch (error) {
      // More descriptors than this process may hold, or words that nobody understands: nothing more is to be had.
      this.#receiveError = error;
      this.child.kill('SIGKILL');
    }
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

  #failed({ message, code, argument, syscall, errno }: Failure): Error {
    // Of what the program gave, `Adapter.create` in the helper is the first to look at some.
    if (argument === 'TypeError') return new TypeError(message);
    if (argument === 'RangeError') return new RangeError(message);
    const known = Object.values(TunErrorCode).find((one) => one === code);
    const details = { syscall, errno };
    const text = `the helper failed while ${this.#step}: ${message}`;
    return new TunError(known ?? TunErrorCode.HELPER, text, details);
  }

  async #deathError(): Promise<unknown> {
    const { code, signal } = await this.ended;
    if (this.#receiveError !== undefined) return this.#receiveError;
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
