/** The rates of each adapter over the last minutes, as they come. */

import type { AdapterView, Point } from './model.ts';

export class History {
  readonly spanMs: number;
  readonly #points = new Map<string, Point[]>();

  constructor(spanMs: number) {
    this.spanMs = spanMs;
  }

  /** What the host had when the page came. */
  begin(history: Readonly<Record<string, readonly Point[]>>): void {
    this.#points.clear();
    for (const [name, points] of Object.entries(history)) this.#points.set(name, [...points]);
  }

  add(adapters: readonly AdapterView[], time: number): void {
    const there = new Set(adapters.map(({ name }) => name));
    for (const name of this.#points.keys()) if (!there.has(name)) this.#points.delete(name);
    for (const { name, rates } of adapters) {
      const points = [...this.of(name), { time, ...rates }];
      this.#points.set(
        name,
        points.filter((point) => time - point.time <= this.spanMs),
      );
    }
  }

  /** Oldest first. */
  of(name: string): readonly Point[] {
    return this.#points.get(name) ?? [];
  }
}
