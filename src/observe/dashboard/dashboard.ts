/**
 * The dashboard: one page, and what it is told.
 *
 * | path | gives |
 * |---|---|
 * | `/`, `/style.css`, `/icon.svg`, `/page/*.js` | the page, which says nothing of the host |
 * | `/api/sample` | how things stand: `Sample` |
 * | `/api/events` | server-sent events: `hello`, then `sample` and `happening` as they come |
 * | POST `/api/adapters/NAME/pause`, `.../restart` | 204 when it is done |
 *
 * With a token all of `/api` wants it; without one nothing can be changed.
 */

import { isTunError } from '../../errors.ts';
import type { Control } from '../../service/control-protocol.ts';
import type { Hello } from '../page/model.ts';
import type { Sampler } from '../sampler.ts';
import type { WebRequest, WebSite } from '../web/server.ts';
import type { Token } from '../web/token.ts';
import { EventStreams } from './event-streams.ts';
import { PAGE_FILES } from './files.ts';

const HttpStatus = {
  OK: 200,
  NO_CONTENT: 204,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  UNAVAILABLE: 503,
} as const;
const API = '/api/';
const ORDER = /^\/api\/adapters\/(?<adapter>[^/]+)\/(?<order>pause|restart)$/;
const RETRY_SECONDS = '5';
const JSON_TYPE = 'application/json';

export class Dashboard implements WebSite {
  readonly #control: Control;
  readonly #sampler: Sampler;
  readonly #token: Token | undefined;
  readonly #streams = new EventStreams();
  readonly #unwatch: () => void;

  constructor(control: Control, sampler: Sampler, token: Token | undefined) {
    this.#control = control;
    this.#sampler = sampler;
    this.#token = token;
    this.#unwatch = sampler.watch({
      sampled: (sample) => this.#streams.send('sample', sample),
      happened: (happening) => this.#streams.send('happening', happening),
      lost: () => this.#streams.close(),
    });
  }

  async answer(request: WebRequest): Promise<boolean> {
    const { method, path } = request;
    const file = PAGE_FILES.get(path);
    if (file !== undefined) {
      if (method === 'GET') request.reply(HttpStatus.OK, file.type, await file.body());
      else this.#refuseMethod(request, 'GET');
      return true;
    }
    if (!path.startsWith(API)) return false;
    if (this.#token !== undefined && !this.#token.isShownBy(request.headers.authorization)) {
      const challenge = { 'WWW-Authenticate': 'Bearer realm="typetun"' };
      request.refuse(
        HttpStatus.UNAUTHORIZED,
        'token',
        'this takes the token of the dashboard',
        challenge,
      );
      return true;
    }
    const { adapter, order } = ORDER.exec(path)?.groups ?? {};
    if (adapter !== undefined) await this.#obey(request, adapter, order as 'pause' | 'restart');
    else if (path === '/api/sample')
      request.reply(HttpStatus.OK, JSON_TYPE, JSON.stringify(this.#sampler.sample));
    else if (path === '/api/events') this.#listen(request);
    else return false;
    return true;
  }

  close(): void {
    this.#unwatch();
    this.#streams.close();
  }

  #listen(request: WebRequest): void {
    if (this.#streams.full) {
      const later = { 'Retry-After': RETRY_SECONDS };
      request.refuse(HttpStatus.UNAVAILABLE, 'streams', 'too many pages listen already', later);
      return;
    }
    const { intervalMs, happenings, sample, history } = this.#sampler;
    const controls = this.#token !== undefined;
    const hello: Hello = { intervalMs, controls, history, happenings, sample };
    this.#streams.add(request.stream('text/event-stream'), 'hello', hello);
  }

  async #obey(request: WebRequest, encoded: string, order: 'pause' | 'restart'): Promise<void> {
    if (request.method !== 'POST') return this.#refuseMethod(request, 'POST');
    if (this.#token === undefined) {
      const message =
        'this dashboard only shows; start the host with --dashboard-token-file to change things';
      return request.refuse(HttpStatus.FORBIDDEN, 'read-only', message);
    }
    try {
      await this.#control.call(`adapter.${order}`, { adapter: decodeURIComponent(encoded) });
      request.reply(HttpStatus.NO_CONTENT, 'text/plain', '');
    } catch (error) {
      if (!isTunError(error) && !(error instanceof URIError)) throw error;
      request.refuse(HttpStatus.CONFLICT, 'order', error.message);
    }
  }

  #refuseMethod(request: WebRequest, allowed: string): void {
    const message = `this is asked for with ${allowed}`;
    request.refuse(HttpStatus.METHOD_NOT_ALLOWED, 'method', message, { Allow: allowed });
  }
}
