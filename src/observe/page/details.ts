/** All there is to see of the chosen adapter. */

import { bundleColumns, dropBars } from './bars.ts';
import { diagram } from './diagram.ts';
import { html, say } from './dom.ts';
import { formatBits, formatBytes, formatCount, formatScaled } from './format.ts';
import type { History } from './history.ts';
import type { AdapterView, ClientView, StateName } from './model.ts';
import { plot } from './plot.ts';

/** How long a state is lit at least, in ms, so that one can see which the adapter came through. */
const LIT_MS = 260;

/** What a control button asks for. */
export type Order = 'pause' | 'restart';

export class Details {
  readonly element: HTMLElement = html('main', { class: 'details' });
  readonly #diagram = diagram();
  readonly #plot = plot();
  readonly #name = html('h1');
  readonly #facts = html('p', { class: 'facts' });
  readonly #badges = html('div', { class: 'badges' });
  readonly #controls = html('div', { class: 'controls' });
  readonly #figures = html('dl', { class: 'figures' });
  readonly #drops = html('div');
  readonly #bundles = html('div');
  readonly #clients = html('div', { class: 'scroll' });
  /** States that are still to be lit, and the last that was told. */
  readonly #states: StateName[] = [];
  #last: StateName | undefined;
  #lit: ReturnType<typeof setTimeout> | undefined;
  #of: string | undefined;

  constructor(order: (order: Order) => void) {
    for (const [name, words] of [
      ['pause', 'Pause'],
      ['restart', 'Restart'],
    ] as const) {
      const button = html('button', { type: 'button', class: 'order', 'data-order': name }, words);
      button.addEventListener('click', () => order(name));
      this.#controls.append(button);
    }
    const legend = html('span', { class: 'legend' });
    legend.append(
      html('i', { class: 'out' }),
      'out, from the system',
      html('i', { class: 'in' }),
      'in, to the system',
    );
    this.element.append(
      html(
        'header',
        { class: 'head' },
        html('div', { class: 'title' }, this.#name, this.#badges),
        this.#controls,
        this.#facts,
      ),
      card('wide', 'State', html('div', { class: 'scroll' }, this.#diagram.element)),
      card('wide', 'Throughput', this.#figures, this.#plot.element, legend),
      card('', 'Lost packets', this.#drops),
      card('', 'Packets per bundle read', this.#bundles),
      card(
        'wide',
        'Programs that have the device open',
        this.#clients,
        html(
          'p',
          { class: 'foot' },
          'Flows are not tracked by the host: "typetun capture" shows packets.',
        ),
      ),
    );
  }

  show(adapter: AdapterView, history: History, time: number, controls: boolean): void {
    const isOther = this.#of !== adapter.name;
    this.#of = adapter.name;
    say(this.#name, adapter.name);
    const { device, link, mtu, addresses } = adapter;
    say(this.#facts, [device, `${link} link`, `MTU ${mtu}`, ...addresses].join('  ·  '));
    this.#showBadges(adapter, controls);
    if (isOther) this.#states.length = 0;
    this.#light(adapter.state, isOther);
    this.#plot.draw(history.of(adapter.name), time, history.spanMs);
    this.#figures.replaceChildren(...figures(adapter));
    this.#drops.replaceChildren(dropBars(adapter.drops));
    this.#bundles.replaceChildren(bundleColumns(adapter));
    this.#clients.replaceChildren(clientTable(adapter.clients));
  }

  /** The adapter that is shown came to a state. */
  became(state: StateName): void {
    this.#light(state, false);
  }

  #light(state: StateName, atOnce: boolean): void {
    if (atOnce) {
      clearTimeout(this.#lit);
      this.#lit = undefined;
    }
    if (this.#last !== state || atOnce) this.#states.push(state);
    this.#last = state;
    if (this.#lit === undefined) this.#next();
  }

  /** Lights the next state, for a while at least. */
  #next(): void {
    const state = this.#states.shift();
    this.#lit = undefined;
    if (state === undefined) return;
    this.#diagram.show(state);
    this.#lit = setTimeout(() => this.#next(), LIT_MS);
  }

  #showBadges({ state, power, media, lent }: AdapterView, controls: boolean): void {
    const badges = [
      html('span', { class: 'badge state', 'data-state': state }, state),
      html('span', { class: 'badge', 'data-good': power === 'D0' }, `power ${power}`),
      html(
        'span',
        { class: 'badge', 'data-good': media === 'Connected' },
        `media ${media.toLowerCase()}`,
      ),
      ...(lent ? [html('span', { class: 'badge' }, 'descriptor lent')] : []),
    ];
    this.#badges.replaceChildren(...badges);
    this.#controls.hidden = !controls;
    for (const button of this.#controls.querySelectorAll('button')) {
      button.disabled = (button.dataset['order'] === 'pause') !== (state === 'Running');
    }
  }
}

function card(kind: string, title: string, ...content: readonly Node[]): HTMLElement {
  return html('section', { class: `card ${kind}` }, html('h2', {}, title), ...content);
}

function figures({ rates, queued, out, in: received }: AdapterView): HTMLElement[] {
  const figure = (kind: string, name: string, value: string, under: string): HTMLElement =>
    html(
      'div',
      { class: kind },
      html('dt', {}, name),
      html('dd', {}, value),
      html('dd', { class: 'under' }, under),
    );
  return [
    figure(
      'out',
      'Out',
      formatBits(rates.outBits),
      `${formatScaled(Math.round(rates.outPackets))} packets/s, ${formatBytes(out.octets)} so far`,
    ),
    figure(
      'in',
      'In',
      formatBits(rates.inBits),
      `${formatScaled(Math.round(rates.inPackets))} packets/s, ${formatBytes(received.octets)} so far`,
    ),
    figure('', 'Packets per bundle', rates.packetsPerBundle.toFixed(1), 'in the last second'),
    figure('', 'Waiting', formatCount(queued.packets), `packets, ${formatBytes(queued.bytes)}`),
  ];
}

function clientTable(clients: readonly ClientView[]): HTMLElement {
  if (clients.length === 0) return html('p', { class: 'nothing' }, 'No program has it open.');
  const rows = clients.map(({ label, role, packetsRead, packetsWritten, waitingReads }) =>
    html(
      'tr',
      {},
      html('th', { scope: 'row' }, label),
      html('td', {}, role === 'descriptor' ? 'the descriptor itself' : 'bundles'),
      ...[packetsRead, packetsWritten, waitingReads].map((value) =>
        html('td', { class: 'number' }, formatCount(value)),
      ),
    ),
  );
  const names = ['Program', 'Has', 'Packets read', 'Packets written', 'Reads waiting'];
  const head = names.map((name, column) =>
    html('th', { scope: 'col', class: column > 1 ? 'number' : '' }, name),
  );
  return html(
    'table',
    { class: 'clients' },
    html('thead', {}, html('tr', {}, ...head)),
    html('tbody', {}, ...rows),
  );
}
