/** The dashboard's page. */

import { Details, type Order } from './details.ts';
import { html, say } from './dom.ts';
import { formatDuration, formatTime } from './format.ts';
import { History } from './history.ts';
import { AdapterList } from './list.ts';
import type { AdapterView, Happening, Hello, Sample } from './model.ts';
import { listen } from './stream.ts';

const SPAN_MS = 120_000;
/** Events that are shown. */
const SHOWN_HAPPENINGS = 50;
/** The token is kept for this tab, and until it is closed. */
const TOKEN_KEY = 'typetun-token';

const history = new History(SPAN_MS);
const details = new Details((order) => void command(order));
const list = new AdapterList((name) => {
  chosen = name;
  draw();
});
const host = html('p', { class: 'host' });
const mode = html('span', { class: 'mode' });
const events = html('ol', { class: 'events' });
const notice = html('p', { class: 'notice', role: 'status' });
const welcome = html('p', { class: 'empty' }, 'This host has no adapters.');
let sample: Sample | undefined;
let controls = false;
let chosen: string | undefined;
let token = sessionStorage.getItem(TOKEN_KEY) ?? '';

document.body.append(
  html('header', { class: 'top' }, html('span', { class: 'brand' }, 'typetun'), host, mode),
  notice,
  html(
    'div',
    { class: 'layout' },
    html(
      'aside',
      {},
      list.element,
      html('section', { class: 'card' }, html('h2', {}, 'Events'), events),
    ),
    details.element,
    welcome,
  ),
);
show(false);
void listen('/api/events', {
  headers: authorization,
  event: take,
  live: show,
  refused: askForToken,
});

function authorization(): Record<string, string> {
  return token === '' ? {} : { Authorization: `Bearer ${token}` };
}

function take(name: string, data: unknown): void {
  if (name === 'hello') {
    const hello = data as Hello;
    controls = hello.controls;
    history.begin(hello.history);
    events.replaceChildren();
    for (const happening of hello.happenings) tell(happening);
    sample = hello.sample;
  } else if (name === 'sample') {
    sample = data as Sample;
    history.add(sample.adapters, sample.time);
  } else if (name === 'happening') {
    const happening = data as Happening;
    tell(happening);
    if (happening.state !== undefined && happening.adapter === chosen) {
      details.became(happening.state);
    }
    return;
  }
  draw();
}

function draw(): void {
  if (sample === undefined) return;
  const { version, pid, uptimeSeconds } = sample.host;
  const { adapters } = sample;
  const count = `${adapters.length} adapter${adapters.length === 1 ? '' : 's'}`;
  say(
    host,
    `version ${version}  ·  process ${pid}  ·  up ${formatDuration(uptimeSeconds)}  ·  ${count}`,
  );
  const shown = adapters.find(({ name }) => name === chosen) ?? adapters[0];
  chosen = shown?.name;
  list.show(adapters, history, chosen);
  details.element.hidden = shown === undefined;
  welcome.hidden = shown !== undefined;
  if (shown !== undefined) details.show(shown, history, sample.time, controls);
}

function show(isLive: boolean): void {
  document.body.classList.toggle('live', isLive);
  document.body.classList.toggle('known', sample !== undefined || isLive);
  say(mode, isLive ? (controls ? 'live' : 'live, read-only') : 'not connected');
}

function tell({ time, text }: Happening): void {
  events.prepend(html('li', {}, html('time', {}, formatTime(time)), text));
  while (events.childElementCount > SHOWN_HAPPENINGS) events.lastElementChild!.remove();
}

async function command(order: Order): Promise<void> {
  const adapter: AdapterView | undefined = sample?.adapters.find(({ name }) => name === chosen);
  if (adapter === undefined) return;
  const path = `/api/adapters/${encodeURIComponent(adapter.name)}/${order}`;
  try {
    const response = await fetch(path, { method: 'POST', headers: authorization() });
    say(notice, response.ok ? '' : (await response.text()).trim());
  } catch {
    say(notice, 'the host does not answer');
  }
}

function askForToken(): Promise<void> {
  const input = html('input', {
    type: 'password',
    id: 'token',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
  });
  const wrong = token === '' ? '' : 'This token is wrong. ';
  const label = html('label', { for: 'token' }, `${wrong}Token of this host:`);
  const form = html('form', { class: 'card token' }, label, input, html('button', {}, 'Open'));
  document.body.classList.add('locked');
  document.body.append(form);
  input.focus();
  return new Promise((resolve) => {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      token = input.value.trim();
      sessionStorage.setItem(TOKEN_KEY, token);
      form.remove();
      document.body.classList.remove('locked');
      resolve();
    });
  });
}
