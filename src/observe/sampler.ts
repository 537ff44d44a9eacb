/** Looks at a host again and again, and keeps what plots need. */

import type { Control, ControlEvent, StatisticsEntry } from '../service/control-protocol.ts';
import { adapterView } from './adapter-view.ts';
import { happening } from './happenings.ts';
import type { AdapterView, Happening, Point, Sample, StateName } from './page/model.ts';
import { ratesBetween } from './rates.ts';

/** Time between samples by default, in ms. */
export const DEFAULT_INTERVAL_MS = 1000;
/** Points that are kept of each adapter: two minutes of one a second. */
const KEPT_POINTS = 120;
/** Events that are kept. */
const KEPT_HAPPENINGS = 50;

/** Who is told. Each is called from the event loop and must not throw. */
export interface Watcher {
  sampled?(sample: Sample): void;
  happened?(happening: Happening): void;
  /** The host does not answer any more; nothing comes after this. */
  lost?(error: unknown): void;
}

/**
 * Samples of one host for any number of watchers: it is asked once for all of them, and the next time only when
 * it has answered. It is looked at from the start on, so that whoever comes later finds the last minutes.
 */
export class Sampler implements Disposable {
  readonly intervalMs: number;
  readonly #control: Control;
  readonly #watchers = new Set<Watcher>();
  readonly #points = new Map<string, Point[]>();
  #happenings: Happening[] = [];
  #before = new Map<string, StatisticsEntry>();
  /** States that were heard of since the last look began: later than what it is answered. */
  #heard = new Map<string, StateName>();
  #sample: Sample;
  #unsubscribe: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(control: Control, intervalMs: number, sample: Sample) {
    this.#control = control;
    this.intervalMs = intervalMs;
    this.#sample = sample;
  }

  /** Takes the first sample. Rejects as the calls do. Its timer does not keep the event loop alive. */
  static async start(control: Control, intervalMs: number = DEFAULT_INTERVAL_MS): Promise<Sampler> {
    const host = { version: '', pid: 0, uptimeSeconds: 0 };
    const sampler = new Sampler(control, intervalMs, { time: 0, host, adapters: [] });
    await sampler.#look();
    sampler.#unsubscribe = await control.subscribe((event) => sampler.#hear(event));
    sampler.#next();
    return sampler;
  }

  /** The last sample. */
  get sample(): Sample {
    return this.#sample;
  }

  /** The last events, oldest first. */
  get happenings(): readonly Happening[] {
    return this.#happenings;
  }

  /** The last points of each adapter that is there, oldest first. */
  get history(): Readonly<Record<string, readonly Point[]>> {
    return Object.fromEntries(this.#points);
  }

  /** Tells `watcher` from now on, until what this returns is called. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  /** Ends the sampling. Safe to call twice. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#unsubscribe?.();
    this.#watchers.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #next(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#look().then(
        () => this.#next(),
        (error: unknown) => this.#lose(error),
      );
    }, this.intervalMs).unref();
  }

  async #look(): Promise<void> {
    const heard = new Map<string, StateName>();
    this.#heard = heard;
    const [host, infos, entries] = await Promise.all([
      this.#control.call('host.info'),
      this.#control.call('adapter.list'),
      this.#control.call('statistics', {}),
    ]);
    const byName = new Map(entries.map((entry) => [entry.adapter, entry]));
    const adapters: AdapterView[] = [];
    for (const info of infos) {
      const entry = byName.get(info.name);
      // Made or removed between the answers.
      if (entry === undefined) continue;
      const rates = ratesBetween(this.#before.get(keyOf(entry)), entry);
      const state = heard.get(info.name) ?? info.state;
      adapters.push(adapterView({ ...info, state }, entry, rates));
      this.#keep(info.name, { time: entry.time, ...rates });
    }
    for (const name of this.#points.keys()) if (!byName.has(name)) this.#points.delete(name);
    this.#before = new Map(entries.map((entry) => [keyOf(entry), entry]));
    const { version, pid, uptimeSeconds } = host;
    // By the clock of the points, which no step of the wall clock moves.
    const time = entries[0]?.time ?? Date.now();
    this.#sample = { time, host: { version, pid, uptimeSeconds }, adapters };
    for (const watcher of [...this.#watchers]) watcher.sampled?.(this.#sample);
  }

  #keep(name: string, point: Point): void {
    const points = this.#points.get(name) ?? [];
    this.#points.set(name, [...points, point].slice(-KEPT_POINTS));
  }

  #hear(event: ControlEvent): void {
    const heard = happening(event, Date.now());
    const { adapter: of, state } = heard;
    if (state !== undefined && of !== undefined) {
      this.#heard.set(of, state);
      // Not only with the next sample: it may have changed again by then.
      const adapters = this.#sample.adapters.map((one) =>
        one.name === of ? { ...one, state } : one,
      );
      this.#sample = { ...this.#sample, adapters };
    }
    this.#happenings = [...this.#happenings, heard].slice(-KEPT_HAPPENINGS);
    for (const watcher of [...this.#watchers]) watcher.happened?.(heard);
  }

  #lose(error: unknown): void {
    const watchers = [...this.#watchers];
    this.close();
    for (const watcher of watchers) watcher.lost?.(error);
  }
}

/** An adapter that was made anew under the same name has another device. */
function keyOf({ adapter, device }: StatisticsEntry): string {
  return `${adapter} ${device}`;
}
