/** A small web server for people and tools on this machine, made to be left alone with hostile ones. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AddressInfo } from 'node:net';
import { TunError, TunErrorCode } from '../../errors.ts';
import type { LogSink } from '../../service/log.ts';
import { refusalOf } from './guard.ts';
import { formatListenAddress, type ListenAddress } from './listen-address.ts';

/** Bytes of a request's line and headers. */
const MAX_HEADER_BYTES = 8192;
/** How long a request's headers may take, in ms: a connection that says nothing ends then, too. */
const HEADERS_TIMEOUT_MS = 5000;
/** How long all of a request may take, in ms. */
const REQUEST_TIMEOUT_MS = 10_000;
/** How long a connection waits for its next request, in ms. */
const KEEP_ALIVE_MS = 5000;
/** How often those are looked at, in ms. */
const CHECK_INTERVAL_MS = 1000;
/** Connections at a time; what comes then is closed. */
const MAX_CONNECTIONS = 64;

const HttpStatus = {
  OK: 200,
  BAD_REQUEST: 400,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  TIMEOUT: 408,
  TOO_LARGE: 413,
  HEADERS_TOO_LARGE: 431,
  INTERNAL: 500,
} as const;

/** Sent with everything. Nothing is fetched from anywhere else, framed, or kept. */
const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-store',
};

/** A request that may be answered. */
export interface WebRequest {
  readonly method: 'GET' | 'POST';
  /** As it was sent, without the query: nothing is decoded. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Answers. */
  reply(
    status: number,
    type: string,
    body: string | Buffer,
    headers?: Record<string, string>,
  ): void;
  /** Begins an answer that goes on. To HEAD it ends at once. */
  stream(type: string): ServerResponse;
  /** Answers with one line, and counts the refusal under `reason`. */
  refuse(status: number, reason: string, message: string, headers?: Record<string, string>): void;
}

/** Part of what a server serves. */
export interface WebSite {
  /** Answers, now or later, or returns false: the path is none of its own. */
  answer(request: WebRequest): boolean | Promise<boolean>;
  /** Ends answers that go on. */
  close(): void;
}

export class WebServer implements AsyncDisposable {
  /** Requests that were refused, by reason. */
  readonly refusals: Map<string, number> = new Map();
  readonly #sites: readonly WebSite[];
  readonly #log: LogSink;
  readonly #server: Server;

  private constructor(sites: readonly WebSite[], log: LogSink) {
    this.#sites = sites;
    this.#log = log;
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: CHECK_INTERVAL_MS,
      },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('drop', () => this.#count('connections', 'there are too many connections'));
    this.#server.on('clientError', (error, socket) => this.#turnAway(error, socket));
  }

  /**
   * Listens. It does not keep the event loop alive.
   *
   * Rejects with TunError `CONFIG` when the address is taken or not of this machine.
   */
  static async open(
    at: ListenAddress,
    sites: readonly WebSite[],
    log: LogSink,
  ): Promise<WebServer> {
    const web = new WebServer(sites, log);
    await new Promise<void>((resolve, reject) => {
      web.#server.once('error', (error: NodeJS.ErrnoException) => reject(notThere(at, error)));
      web.#server.listen(at.port, at.host, resolve);
    });
    web.#server.on('error', (error) => log('error', `web server: ${error.message}`, {}));
    web.#server.unref();
    return web;
  }

  /** `http://127.0.0.1:8620` */
  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${formatListenAddress({ host: address, port })}`;
  }

  /** Ends all connections. Safe to call twice. */
  async close(): Promise<void> {
    for (const site of this.#sites) site.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers, url = '' } = incoming;
    response.on('error', () => undefined);
    const reply: WebRequest['reply'] = (status, type, body, further = {}) => {
      const length = { 'Content-Length': String(Buffer.byteLength(body)) };
      response.writeHead(status, { ...HEADERS, 'Content-Type': type, ...length, ...further });
      response.end(body);
    };
    const refuse: WebRequest['refuse'] = (status, reason, message, further = {}) => {
      this.#count(reason, message);
      // What else is on this connection may be the rest of something that was not understood.
      const headers = { Connection: 'close', ...further };
      reply(status, 'text/plain; charset=utf-8', `${message}\n`, headers);
    };
    const refusal = refusalOf(headers, method);
    if (refusal !== undefined) return refuse(refusal.status, refusal.reason, refusal.message);
    if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') {
      const allowed = { Allow: 'GET, HEAD, POST' };
      return refuse(
        HttpStatus.METHOD_NOT_ALLOWED,
        'method',
        'GET, HEAD and POST are known',
        allowed,
      );
    }
    if (Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined) {
      return refuse(HttpStatus.TOO_LARGE, 'body', 'nothing here takes a body');
    }
    if (!url.startsWith('/')) return refuse(HttpStatus.BAD_REQUEST, 'request', 'ask for a path');
    const path = url.split('?', 1)[0]!;
    const kind = method === 'HEAD' ? 'GET' : method;
    const stream: WebRequest['stream'] = (type) => {
      response.writeHead(HttpStatus.OK, { ...HEADERS, 'Content-Type': type });
      if (method === 'HEAD') response.end();
      return response;
    };
    const request: WebRequest = { method: kind, path, headers, reply, stream, refuse };
    try {
      for (const site of this.#sites) if (await site.answer(request)) return;
      refuse(HttpStatus.NOT_FOUND, 'path', 'there is nothing here');
    } catch (error) {
      this.#log('error', `web server: ${String(error)}`, { path });
      if (response.headersSent) response.destroy();
      else
        reply(HttpStatus.INTERNAL, 'text/plain', 'a mistake of the host, which its log tells of\n');
    }
  }

  /** What is no request, too large, or too slow. */
  #turnAway(error: NodeJS.ErrnoException, socket: Duplex): void {
    const [status, reason] =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? [HttpStatus.HEADERS_TOO_LARGE, 'headers']
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? [HttpStatus.TIMEOUT, 'slow']
          : [HttpStatus.BAD_REQUEST, 'request'];
    this.#count(reason, error.message);
    const answer = `HTTP/1.1 ${status} \r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
    // Ending alone leaves a connection that the other side keeps open.
    if (socket.writable) socket.end(answer, () => socket.destroy());
    else socket.destroy();
  }

  #count(reason: string, message: string): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
    this.#log('debug', `a web request was refused: ${message}`, { reason });
  }
}

function notThere(at: ListenAddress, error: NodeJS.ErrnoException): TunError {
  const where = formatListenAddress(at);
  const why =
    error.code === 'EADDRINUSE'
      ? 'somebody listens there already; choose another port'
      : error.code === 'EADDRNOTAVAIL'
        ? 'this machine has no such address'
        : error.message;
  return new TunError(TunErrorCode.CONFIG, `cannot listen at ${where}: ${why}`, { cause: error });
}
