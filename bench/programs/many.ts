/**
 * Makes many adapters, leaves them alone, and closes them when told to: `many.js NETNS COUNT`.
 * Prints what it cost as JSON, "ready" first.
 */

import { once } from 'node:events';
import { Adapter } from 'typetun';

const BYTES_PER_KIB = 1024;
/** A /30 for each from 10.0.0.0/8. */
const SUBNET_ADDRESSES = 4;

const [, , netns = '', countText = '1000'] = process.argv;
const count = Number(countText);

export interface ManyReport {
  readonly adapters: number;
  readonly createSeconds: number;
  readonly closeSeconds: number;
  readonly residentKibEach: number;
  /** Timers that the event loop holds while all are idle. */
  readonly timers: number;
}

function resident(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss() / BYTES_PER_KIB;
}

function addressOf(i: number): string {
  const first = i * SUBNET_ADDRESSES + 1;
  return `10.${(first >> 16) & 0xff}.${(first >> 8) & 0xff}.${first & 0xff}/30`;
}

function progress(what: string, done: number): void {
  if (done % 100 === 0) process.stderr.write(`${what} ${done} of ${count}\n`);
}

// What the first of all costs is the library's, not an adapter's.
await (await Adapter.create({ addresses: ['10.255.0.1/30'], netns })).close();
const before = resident();
const started = performance.now();
const adapters: Adapter[] = [];
for (let i = 0; i < count; i++) {
  adapters.push(await Adapter.create({ name: `many${i}`, addresses: [addressOf(i)], netns }));
  progress('created', i + 1);
}
const created = performance.now();
const residentKibEach = (resident() - before) / count;
const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
console.log('ready');
await once(process.stdin, 'data');
const closing = performance.now();
for (const [i, adapter] of adapters.entries()) {
  await adapter.close();
  progress('closed', i + 1);
}
const report: ManyReport = {
  adapters: count,
  createSeconds: (created - started) / 1000,
  closeSeconds: (performance.now() - closing) / 1000,
  residentKibEach,
  timers,
};
console.log(JSON.stringify(report));
process.exit();
