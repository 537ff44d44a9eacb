/** A connection to a host's control socket, with typed calls. */

import { connect as connectSocket, type Socket } from 'node:net';
import { join } from 'node:path';
import { TunError, TunErrorCode } from '../errors.ts';
import { decodeError } from './control-errors.ts';
import {
  CONTROL_SOCKET,
  type Control,
  type ControlArguments,
  type ControlEvent,
  type ControlMethod,
  type ControlResult,
} from './control-protocol.ts';
import { LineReader } from './lines.ts';
import { knownRunDirectories } from './run-directory.ts';

/** Bytes of an answer's line at most: some thousand adapters with all there is to say of them. */
const MAX_ANSWER_BYTES = 64 * 2 ** 20;
/** How long until a host must have accepted, by default, in ms. */
const CONNECT_TIMEOUT_MS = 5000;

/** Where a host is. */
export interface ControlClientOptions {
  /** Its run directory. Default: the user's own, then the system's (`/run/typetun`). */
  readonly runDirectory?: string | undefined;
  /** How long until it must have accepted, in ms. Default 5000. */
  readonly timeoutMs?: number | undefined;
}

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A host that runs in another process. Calls are answered in order. It keeps the event loop alive until it is
 * closed, or {@link unref} was called.
 */
export class ControlClient implements Control, AsyncDisposable {
  /** The run directory it was found at. */
  readonly runDirectory: string;
  readonly #socket: Socket;
  readonly #lines = new LineReader(MAX_ANSWER_BYTES);
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(event: ControlEvent) => void>();
  readonly #closed: Promise<void>;
  #lastId = 0;
  #end: Error | undefined;

  /** @internal Use {@link ControlClient.connect}. */
  constructor(socket: Socket, runDirectory: string) {
    this.#socket = socket;
    this.runDirectory = runDirectory;
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => undefined);
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#fail(gone(runDirectory));
        resolve();
      });
    });
  }

  /**
   * Connects to the first host that is there.
   *
   * Rejects with TunError `NO_HOST` when none is, naming where was looked and how to start one;
   * `NO_PRIVILEGE` where this user may not connect. That the host refuses this user, the first call tells.
   */
  static async connect(options: ControlClientOptions = {}): Promise<ControlClient> {
    const { runDirectory, timeoutMs = CONNECT_TIMEOUT_MS } = options;
    const folders = runDirectory === undefined ? knownRunDirectories() : [runDirectory];
    for (const folder of folders) {
      const socket = await connected(join(folder, CONTROL_SOCKET), timeoutMs);
      if (socket !== undefined) return new ControlClient(socket, folder);
    }
    throw new TunError(
      TunErrorCode.NO_HOST,
      `no host answers at ${folders.join(' or ')}; start one ("typetun serve"), or say where it is (--run-directory)`,
    );
  }

  /** Resolves when the connection has ended, whoever ended it. Never rejects. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  call<M extends ControlMethod>(
    method: M,
    ...[params]: ControlArguments<M>
  ): Promise<ControlResult<M>> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const id = ++this.#lastId;
    const request = { jsonrpc: '2.0', id, method, params: params ?? {} };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify(request)}\n`);
    });
  }

  async subscribe(listener: (event: ControlEvent) => void): Promise<() => void> {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) {
      try {
        await this.call('events.subscribe');
      } catch (error) {
        this.#listeners.delete(listener);
        throw error;
      }
    }
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Lets the process end although the connection is open. */
  unref(): this {
    this.#socket.unref();
    return this;
  }

  /** Ends the connection; calls that wait reject. Safe to call twice. */
  close(): Promise<void> {
    this.#socket.destroy();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(chunk: Buffer): void {
    const lines = this.#lines.push(chunk);
    if (lines === undefined) this.#break('a line is too long');
    for (const line of lines ?? []) this.#answer(line);
  }

  #answer(line: string): void {
    const message = parsed(line);
    if (message === undefined) {
      this.#break('what it says is no JSON-RPC');
      return;
    }
    const { id, method, params, result, error } = message;
    if (method === 'event') {
      for (const listener of [...this.#listeners]) listener(params as ControlEvent);
      return;
    }
    const waiting = typeof id === 'number' ? this.#waiting.get(id) : undefined;
    if (waiting !== undefined) {
      this.#waiting.delete(id as number);
      if (error === undefined) waiting.resolve(result as never);
      else waiting.reject(decodeError(error));
      return;
    }
    // Of no call in particular: why the connection is about to be closed.
    if (error !== undefined) this.#fail(decodeError(error));
  }

  #break(why: string): void {
    this.#fail(
      new TunError(
        TunErrorCode.PROTOCOL,
        `what answers at ${this.runDirectory} is no typetun host: ${why}`,
      ),
    );
    this.#socket.destroy();
  }

  /** The first reason stays. */
  #fail(error: Error): void {
    this.#end ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#waiting.clear();
  }
}

interface Message {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

function parsed(line: string): Message | undefined {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === 'object' && message !== null ? message : undefined;
  } catch {
    return undefined;
  }
}

/** A socket that is connected; undefined when nobody listens there. */
function connected(path: string, timeoutMs: number): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(path);
    const timer = setTimeout(() => socket.destroy(tooSlow(path, timeoutMs)), timeoutMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      if (error.code === 'EACCES') reject(notAllowed(path));
      else if (NOBODY.includes(error.code ?? '')) resolve(undefined);
      else reject(error);
    });
  });
}

/** There is no socket, nobody has it any more, or it is none. */
const NOBODY = ['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'ENOTSOCK'];

function tooSlow(path: string, timeoutMs: number): TunError {
  return new TunError(
    TunErrorCode.NO_HOST,
    `whoever listens at ${path} did not accept within ${timeoutMs} ms`,
  );
}

function notAllowed(path: string): TunError {
  return new TunError(
    TunErrorCode.NO_PRIVILEGE,
    `this user may not connect to ${path}; it takes the user the host runs as, or root`,
    { syscall: 'connect' },
  );
}

function gone(runDirectory: string): TunError {
  return new TunError(
    TunErrorCode.NO_HOST,
    `the host at ${runDirectory} ended the connection; does it still run ("typetun serve")?`,
  );
}
