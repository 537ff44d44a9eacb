/** One connection to the control socket: requests in, answers and events out. */

import type { Socket } from 'node:net';
import { type ControlError, encodeError } from './control-errors.ts';
import {
  CONTROL_EVENTS,
  ControlErrorCode,
  type ControlEvent,
  type ControlEventName,
  MAX_REQUEST_BYTES,
} from './control-protocol.ts';
import type { Deadlines } from './deadlines.ts';
import { LineReader } from './lines.ts';
import { checkMembers } from './parameters.ts';

/** Bytes that may wait for a peer that does not read. */
const MAX_BACKLOG_BYTES = 4 * 2 ** 20;

/** Whatever belongs to the connection and not to the host, its owner does. */
export interface ControlOwner {
  /** Answers a method of the host. Rejects with what the peer is to be told; undefined for no such method. */
  call(method: string, params: unknown): Promise<unknown> | undefined;
  readonly methods: readonly string[];
  readonly deadlines: Deadlines;
  closed(connection: ControlConnection): void;
}

interface Request {
  /** Undefined of a notification, which is not answered. */
  readonly id: string | number | null | undefined;
  readonly method: string;
  readonly params: unknown;
}

export class ControlConnection {
  readonly #socket: Socket;
  readonly #owner: ControlOwner;
  readonly #lines = new LineReader(MAX_REQUEST_BYTES);
  readonly #requests: string[] = [];
  #events: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #busy = false;
  #ending = false;

  constructor(socket: Socket, owner: ControlOwner) {
    this.#socket = socket;
    this.#owner = owner;
    socket.on('close', () => {
      clearTimeout(this.#timer);
      this.#requests.length = 0;
      owner.closed(this);
    });
  }

  /** Takes what has arrived; returns whether more can be taken now. */
  take(chunk: Uint8Array): boolean {
    if (this.#ending) return true;
    // Copied: a line that has not ended is kept, and the chunk is not ours.
    const lines = this.#lines.push(Buffer.from(chunk));
    if (lines === undefined) {
      this.refuse(
        ControlErrorCode.INVALID_REQUEST,
        `a request has at most ${MAX_REQUEST_BYTES} bytes`,
      );
      return true;
    }
    this.#requests.push(...lines);
    this.#watchPartial(lines.length > 0);
    if (!this.#busy) void this.#work();
    return this.#requests.length === 0;
  }

  /** Tells of an event, if the peer has asked for it. */
  tell(event: ControlEvent): void {
    if (this.#events.includes(event.event)) this.#send({ method: 'event', params: event });
  }

  /** Says why and ends the connection. */
  refuse(code: ControlErrorCode, message: string): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#requests.length = 0;
    const error: ControlError = { code, message };
    this.#socket.end(line({ id: null, error }));
    this.#socket.resume();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#socket.destroy(), this.#owner.deadlines.lingerMs).unref();
  }

  /** Ends the connection once what was said has been sent; does not wait for long. */
  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#socket.end();
    this.#timer = setTimeout(() => this.#socket.destroy(), this.#owner.deadlines.lingerMs).unref();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** A request that has begun must end in time. */
  #watchPartial(ended: boolean): void {
    if (ended || !this.#lines.isPartial) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    if (!this.#lines.isPartial) return;
    const { requestMs } = this.#owner.deadlines;
    this.#timer ??= setTimeout(() => {
      const message = `a request ends within ${requestMs} ms of its first byte`;
      this.refuse(ControlErrorCode.INVALID_REQUEST, message);
    }, requestMs).unref();
  }

  /** Works on requests, one after the other. */
  async #work(): Promise<void> {
    this.#busy = true;
    for (;;) {
      const text = this.#requests.shift();
      if (text === undefined) break;
      const { id, error, result } = await this.#answer(text);
      if (id !== undefined) this.#send(error === undefined ? { id, result } : { id, error });
    }
    this.#busy = false;
    if (!this.#ending) this.#socket.resume();
  }

  async #answer(text: string): Promise<{
    id: Request['id'];
    error?: ControlError;
    result?: unknown;
  }> {
    const request = parseRequest(text);
    if ('error' in request) return { id: null, error: request.error };
    const { id, method, params } = request;
    try {
      const called = this.#own(method, params) ?? this.#owner.call(method, params);
      return called === undefined
        ? { id, error: this.#noMethod(method) }
        : { id, result: await called };
    } catch (error) {
      return { id, error: encodeError(error) };
    }
  }

  /** The methods that are about this connection. */
  #own(method: string, params: unknown): Promise<unknown> | undefined {
    if (method === 'events.unsubscribe') {
      checkMembers(params, [], method);
      this.#events = [];
      return Promise.resolve({});
    }
    if (method !== 'events.subscribe') return undefined;
    const { events = CONTROL_EVENTS } = checkMembers(params, ['events'], method);
    this.#events = checkEvents(events);
    return Promise.resolve({});
  }

  #noMethod(method: string): ControlError {
    const names = [...this.#owner.methods, 'events.subscribe', 'events.unsubscribe'].sort();
    return {
      code: ControlErrorCode.METHOD_NOT_FOUND,
      message: `there is no method "${method}"; there are ${names.join(', ')}`,
    };
  }

  #send(message: object): void {
    if (this.#ending) return;
    this.#socket.write(line(message));
    if (this.#socket.writableLength <= MAX_BACKLOG_BYTES) return;
    this.#ending = true;
    this.#requests.length = 0;
    this.#socket.destroy();
  }
}

function line(message: object): string {
  return `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`;
}

function parseRequest(text: string): Request | { readonly error: ControlError } {
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch (error) {
    const message = `the line is no JSON: ${(error as Error).message}`;
    return { error: { code: ControlErrorCode.PARSE, message } };
  }
  const { id, method, params = {} } = { ...(request as Partial<Request>) };
  const validId = id === undefined || id === null || ['string', 'number'].includes(typeof id);
  if (typeof method === 'string' && validId && !Array.isArray(request)) {
    return { id, method, params };
  }
  const message =
    'a request is an object like {"jsonrpc":"2.0","id":1,"method":"adapter.list","params":{}}, one a line';
  return { error: { code: ControlErrorCode.INVALID_REQUEST, message } };
}

function checkEvents(events: unknown): readonly string[] {
  if (!Array.isArray(events)) throw new TypeError('events is an array of names of events');
  const names: readonly unknown[] = events;
  const unknown = names.find((name) => !CONTROL_EVENTS.includes(name as ControlEventName));
  if (unknown === undefined) return names as string[];
  throw new TypeError(
    `there is no event ${JSON.stringify(unknown)}; there are ${CONTROL_EVENTS.join(', ')}`,
  );
}
