/** A host's metrics in Prometheus' text format, over the package prom-client, which is loaded here alone. */

import type promClient from 'prom-client';
import type { Metric, Registry } from 'prom-client';
import { TunError, TunErrorCode } from '../../errors.ts';
import type { Control, DebugReport } from '../../service/control-protocol.ts';
import { FAMILIES, type Family } from './families.ts';

/** Asks the host once for each look, and for nothing in between. */
export class Metrics {
  readonly #control: Control;
  readonly #registry: Registry;
  #report: DebugReport | undefined;

  /**
   * Metrics of `control`; with those of the process itself when `ofProcess`.
   *
   * Rejects with TunError `UNSUPPORTED` where prom-client is not installed.
   */
  static async open(control: Control, ofProcess = false): Promise<Metrics> {
    const prom = await load();
    const registry = new prom.Registry();
    if (ofProcess) prom.collectDefaultMetrics({ register: registry });
    return new Metrics(control, registry);
  }

  private constructor(control: Control, registry: Registry) {
    this.#control = control;
    this.#registry = registry;
    for (const family of FAMILIES) registry.registerMetric(this.#metric(family));
  }

  /** Of the text that {@link read} gives, as a header says it. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All of them as they are now. Rejects as the call `debug` does. */
  async read(): Promise<string> {
    this.#report = await this.#control.call('debug');
    return this.#registry.metrics();
  }

  /**
   * What the registry asks for its values. Its own classes count for themselves; these numbers were counted where
   * the packets pass.
   */
  #metric({ name, help, type, values }: Family): Metric {
    const get = (): Promise<unknown> => {
      const report = this.#report;
      const found = report === undefined ? [] : values(report);
      return Promise.resolve({
        ...{ name, help, type, aggregator: 'sum' },
        values: found.map(({ suffix, labels, value }) => {
          return { labels, value, ...(suffix !== undefined && { metricName: name + suffix }) };
        }),
      });
    };
    return { name, help, type, get, reset: () => undefined } as unknown as Metric;
  }
}

async function load(): Promise<typeof promClient> {
  try {
    const { default: prom } = await import('prom-client');
    return prom;
  } catch (error) {
    throw new TunError(
      TunErrorCode.UNSUPPORTED,
      'metrics take the package prom-client, which is not installed; install it with: npm install prom-client',
      { cause: error },
    );
  }
}
