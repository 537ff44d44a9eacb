/** The line that shows what goes on while the demo runs, and the rates it saw. */

import type { Terminal } from '../terminal.ts';
import { TITLES } from './report.ts';
import type { CheckName } from './result.ts';
import { sparkline } from './sparkline.ts';

/** How often the rate is measured and the line drawn, in ms. */
const INTERVAL_MS = 100;
const MS_PER_S = 1000;
const BITS_PER_BYTE = 8;
const GIGA = 1e9;
const SPARKLINE_COLUMNS = 24;

export class LiveLine {
  /** Gbit/s, one value each interval from the first byte on; a pause shows as a gap. */
  readonly rates: number[] = [];
  readonly #terminal: Terminal;
  readonly #timer: NodeJS.Timeout;
  #check: CheckName | undefined;
  #bytes = 0;
  #measuredAt: number = performance.now();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#timer = setInterval(() => this.#measure(), INTERVAL_MS);
    this.#timer.unref();
  }

  began(name: CheckName): void {
    this.#check = name;
    this.#draw();
  }

  bytes(count: number): void {
    this.#bytes += count;
  }

  /** Takes the line away. */
  stop(): void {
    clearInterval(this.#timer);
    this.#terminal.live('');
  }

  #measure(): void {
    const now = performance.now();
    const seconds = (now - this.#measuredAt) / MS_PER_S;
    this.#measuredAt = now;
    if (this.#bytes > 0 || this.rates.length > 0)
      this.rates.push((this.#bytes * BITS_PER_BYTE) / seconds / GIGA);
    this.#bytes = 0;
    this.#draw();
  }

  #draw(): void {
    const recent = this.rates.slice(-SPARKLINE_COLUMNS);
    const rate = `${(recent.at(-1) ?? 0).toFixed(2)} Gbit/s`;
    const drawn = sparkline(recent, SPARKLINE_COLUMNS, this.#terminal.unicode);
    const title = this.#check === undefined ? '' : TITLES[this.#check];
    this.#terminal.live(`  ${title} ... now ${rate} ${this.#terminal.style(drawn, 'cyan')}`);
  }
}
