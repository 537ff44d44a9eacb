/** What a host is looked at by, as it is asked for on the command line. */

import { TunError, TunErrorCode } from '../errors.ts';
import type { Control } from '../service/control-protocol.ts';
import type { LogSink } from '../service/log.ts';
import { Dashboard } from './dashboard/dashboard.ts';
import { Metrics } from './metrics/metrics.ts';
import { MetricsSite } from './metrics/site.ts';
import { Sampler } from './sampler.ts';
import {
  formatListenAddress,
  isLoopback,
  type ListenAddress,
  parseListenAddress,
} from './web/listen-address.ts';
import { WebServer, type WebSite } from './web/server.ts';
import { Token } from './web/token.ts';

export interface ObserveOptions {
  /** Where the dashboard is to be: `127.0.0.1:8620`. Default: nowhere. */
  readonly dashboard?: string | undefined;
  /** File with the token that it wants. Without one it only shows, and only on a loopback address. */
  readonly dashboardTokenFile?: string | undefined;
  /** Where metrics are to be, at `/metrics`; may be the dashboard's address. Default: nowhere. */
  readonly metrics?: string | undefined;
  /** File with the token that those want. Without one they are only had on a loopback address. */
  readonly metricsTokenFile?: string | undefined;
  /** Whether `control` is the host of this process, whose own metrics are then among them. */
  readonly ofProcess?: boolean | undefined;
  /** Time between samples for the dashboard, in ms. Default 1000. */
  readonly intervalMs?: number | undefined;
  /** Hears of what is refused and of mistakes. Default: nobody. */
  readonly log?: LogSink | undefined;
}

/**
 * Looks at addresses and token files, before anything is made for them.
 *
 * @throws RangeError and TunError `CONFIG` as {@link Observers.open} rejects.
 */
export function checkObserveOptions(options: ObserveOptions): void {
  place(options.dashboard, options.dashboardTokenFile, '--dashboard');
  place(options.metrics, options.metricsTokenFile, '--metrics');
}

/** A dashboard and metrics that are served until they are closed. They do not keep the event loop alive. */
export class Observers implements AsyncDisposable {
  /** Address of the dashboard, with its port: `http://127.0.0.1:8620/`. */
  readonly dashboardUrl: string | undefined;
  readonly metricsUrl: string | undefined;
  readonly #servers: readonly WebServer[];
  readonly #sampler: Sampler | undefined;

  /**
   * Serves what `options` ask for.
   *
   * Rejects with RangeError for what is no address; TunError `CONFIG` when it cannot be listened at, may be reached from
   * other machines and has no token, or a token file is of no use; `UNSUPPORTED` where a package is missing; and as the
   * calls of `control` do. Nothing is left then.
   */
  static async open(control: Control, options: ObserveOptions): Promise<Observers> {
    const { dashboard, metrics, log = () => undefined } = options;
    const dashboardAt = place(dashboard, options.dashboardTokenFile, '--dashboard');
    const metricsAt = place(metrics, options.metricsTokenFile, '--metrics');
    const sites = new Map<string, WebSite[]>();
    const servers: WebServer[] = [];
    let sampler: Sampler | undefined;
    const add = (key: string, site: WebSite): void => {
      sites.set(key, [...(sites.get(key) ?? []), site]);
    };
    try {
      if (dashboardAt !== undefined) {
        sampler = await Sampler.start(control, options.intervalMs);
        add(dashboardAt.key, new Dashboard(control, sampler, dashboardAt.token));
      }
      if (metricsAt !== undefined) {
        const read = await Metrics.open(control, options.ofProcess);
        add(metricsAt.key, new MetricsSite(read, metricsAt.token));
      }
      const urls = new Map<string, string>();
      for (const at of [dashboardAt, metricsAt]) {
        if (at === undefined || urls.has(at.key)) continue;
        const server = await WebServer.open(at.address, sites.get(at.key)!, log);
        servers.push(server);
        urls.set(at.key, server.url);
      }
      const urlOf = (at: Place | undefined): string | undefined => at && urls.get(at.key);
      return new Observers(servers, sampler, urlOf(dashboardAt), urlOf(metricsAt));
    } catch (error) {
      for (const server of servers) await server.close();
      sampler?.close();
      throw error;
    }
  }

  private constructor(
    servers: readonly WebServer[],
    sampler: Sampler | undefined,
    dashboardUrl: string | undefined,
    metricsUrl: string | undefined,
  ) {
    this.#servers = servers;
    this.#sampler = sampler;
    this.dashboardUrl = dashboardUrl && `${dashboardUrl}/`;
    this.metricsUrl = metricsUrl && `${metricsUrl}/metrics`;
  }

  /** Requests that were refused, by reason. */
  get refusals(): Readonly<Record<string, number>> {
    const all: Record<string, number> = {};
    for (const { refusals } of this.#servers) {
      for (const [reason, count] of refusals) all[reason] = (all[reason] ?? 0) + count;
    }
    return all;
  }

  /** Ends all connections. Safe to call twice. */
  async close(): Promise<void> {
    this.#sampler?.close();
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface Place {
  readonly address: ListenAddress;
  /** The same for the same address. */
  readonly key: string;
  readonly token: Token | undefined;
}

function place(
  text: string | undefined,
  file: string | undefined,
  option: string,
): Place | undefined {
  if (text === undefined) {
    if (file === undefined) return undefined;
    throw new TunError(
      TunErrorCode.CONFIG,
      `${option}-token-file is given without ${option}; say where it is to be: ${option} 127.0.0.1:8620`,
    );
  }
  const address = parseListenAddress(text);
  const token = file === undefined ? undefined : Token.read(file);
  const key = formatListenAddress(address);
  if (token !== undefined || isLoopback(address)) return { address, key, token };
  throw new TunError(
    TunErrorCode.CONFIG,
    `${option} ${key} can be reached from other machines, which takes a token (${option}-token-file FILE); or listen at 127.0.0.1:${address.port}`,
  );
}
