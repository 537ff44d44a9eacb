/** The adapters, one a line: where they are, and what they carry. */

import { html, say, svg } from './dom.ts';
import { formatBits } from './format.ts';
import type { History } from './history.ts';
import type { AdapterView, Point } from './model.ts';

const SPARK_WIDTH = 96;
const SPARK_HEIGHT = 22;
/** What keeps the line inside. */
const MARGIN = 1;

interface Row {
  readonly button: HTMLButtonElement;
  readonly state: HTMLElement;
  readonly rate: HTMLElement;
  readonly spark: SVGPathElement;
}

export class AdapterList {
  readonly element: HTMLElement = html('nav', { class: 'list', 'aria-label': 'Adapters' });
  readonly #choose: (name: string) => void;
  readonly #rows = new Map<string, Row>();

  constructor(choose: (name: string) => void) {
    this.#choose = choose;
  }

  show(adapters: readonly AdapterView[], history: History, chosen: string | undefined): void {
    const there = new Set(adapters.map(({ name }) => name));
    for (const [name, { button }] of this.#rows) {
      if (there.has(name)) continue;
      button.remove();
      this.#rows.delete(name);
    }
    for (const { name, state, rates } of adapters) {
      const row = this.#rows.get(name) ?? this.#add(name);
      row.state.dataset['state'] = state;
      row.state.title = state;
      row.button.setAttribute('aria-current', String(name === chosen));
      say(row.rate, formatBits(rates.outBits + rates.inBits));
      row.spark.setAttribute('d', sparkPath(history.of(name)));
    }
  }

  #add(name: string): Row {
    const state = html('span', { class: 'dot' });
    const rate = html('span', { class: 'row-rate' });
    const spark = svg('path', { class: 'spark' });
    const drawing = svg(
      'svg',
      { class: 'row-spark', viewBox: `0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}` },
      spark,
    );
    const button = html('button', { class: 'row', type: 'button' }, state);
    button.append(html('span', { class: 'row-name' }, name), drawing, rate);
    button.addEventListener('click', () => this.#choose(name));
    this.element.append(button);
    const row = { button, state, rate, spark };
    this.#rows.set(name, row);
    return row;
  }
}

function sparkPath(points: readonly Point[]): string {
  const values = points.map(({ outBits, inBits }) => outBits + inBits);
  const most = Math.max(1, ...values);
  const step = (SPARK_WIDTH - 2 * MARGIN) / Math.max(1, values.length - 1);
  return values
    .map((value, index) => {
      const x = MARGIN + index * step;
      const y = SPARK_HEIGHT - MARGIN - (value / most) * (SPARK_HEIGHT - 2 * MARGIN);
      return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join('');
}
