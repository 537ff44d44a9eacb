/** `/metrics`, for Prometheus and what speaks its language. */

import type { WebRequest, WebSite } from '../web/server.ts';
import type { Token } from '../web/token.ts';
import type { Metrics } from './metrics.ts';

const PATH = '/metrics';
const OK = 200;
const UNAUTHORIZED = 401;

export class MetricsSite implements WebSite {
  readonly #metrics: Metrics;
  readonly #token: Token | undefined;

  constructor(metrics: Metrics, token: Token | undefined) {
    this.#metrics = metrics;
    this.#token = token;
  }

  async answer(request: WebRequest): Promise<boolean> {
    if (request.path !== PATH || request.method !== 'GET') return false;
    if (this.#token !== undefined && !this.#token.isShownBy(request.headers.authorization)) {
      const challenge = { 'WWW-Authenticate': 'Bearer realm="typetun"' };
      request.refuse(UNAUTHORIZED, 'token', 'this takes the token of the metrics', challenge);
      return true;
    }
    request.reply(OK, this.#metrics.contentType, await this.#metrics.read());
    return true;
  }

  close(): void {
    // Nothing goes on.
  }
}
