/** The demo's result for a person: a table of checks, a sparkline, likely causes of failures. */

import type { Terminal } from '../terminal.ts';
import { likelyCauses } from './causes.ts';
import { type Check, type CheckName, type DemoResult, isSkipped } from './result.ts';
import { sparkline } from './sparkline.ts';

const MIB = 1024 * 1024;
const NAME_COLUMNS = 7;
const SPARKLINE_MARGIN = 24;
const INDENT = '  ';

/** What each check shows, in words. */
export const TITLES: Readonly<Record<CheckName, string>> = {
  icmp4: 'ICMP echo, IPv4',
  icmp6: 'ICMP echo, IPv6',
  udp4: 'UDP, IPv4',
  udp6: 'UDP, IPv6',
  tcp4: 'TCP, IPv4',
  tcp6: 'TCP, IPv6',
  pause: 'pause and restart',
};

/** Why a packet was dropped, in words. */
const DROPPED: Readonly<Record<keyof DemoResult['statistics']['drops'], string>> = {
  paused: 'on purpose, while paused',
  lowPower: 'on purpose, in low power',
  notOpen: 'while nobody listened',
  queueFull: "for want of room in the adapter's queue",
  oversize: 'for being too large',
  unreadable: 'for being no IP packets',
  cleared: 'as the adapter ended',
  cancelled: 'withdrawn by the system',
  abandoned: 'with a thread that ended',
};

const TITLE_COLUMNS: number = Math.max(...Object.values(TITLES).map((title) => title.length)) + 2;

/** One line for a check. */
export function checkLine(check: Check, terminal: Terminal): string {
  const title = TITLES[check.name].padEnd(TITLE_COLUMNS);
  if (isSkipped(check)) {
    return `${mark('skipped', terminal)} ${title}${terminal.style(`skipped: ${check.skipped}`, 'dim')}`;
  }
  return `${mark(check.ok ? 'ok' : 'failed', terminal)} ${title}${detail(check)}`;
}

/** The lines behind the table. */
export function summaryLines(
  result: DemoResult,
  rates: readonly number[],
  terminal: Terminal,
): string[] {
  const { bundles, checks, statistics } = result;
  const { mean, max } = bundles.packetsPerBundle;
  const lines = [
    '',
    row(
      'bundles',
      `${count(bundles.read)} read, ${count(bundles.written)} written, ${mean} packets each on average, ${max} at most`,
    ),
  ];
  lines.push(
    row(
      'packets',
      `${count(statistics.bundles.packetsRead)} read, ${count(statistics.bundles.packetsWritten)} written, ${droppedWords(result)}`,
    ),
  );
  if (rates.length > 1) {
    const drawn = sparkline(rates, terminal.columns - SPARKLINE_MARGIN, terminal.unicode);
    const peak = Math.max(...rates).toFixed(2);
    lines.push(row('rate', `${terminal.style(drawn, 'cyan')} at most ${peak} Gbit/s`));
  }
  const failed = checks.filter((check) => !isSkipped(check) && !check.ok).map(({ name }) => name);
  for (const cause of failed.length === 0 ? [] : likelyCauses(result.link)) {
    lines.push(`${INDENT}${terminal.style('likely cause:', 'yellow')} ${cause}`);
  }
  const skipped = checks.filter(isSkipped).length;
  const passed = checks.length - failed.length - skipped;
  const verdict = `${passed} passed, ${failed.length} failed, ${skipped} skipped`;
  lines.push('', terminal.style(verdict, 'bold', result.ok ? 'green' : 'red'));
  return lines;
}

function mark(outcome: 'ok' | 'failed' | 'skipped', terminal: Terminal): string {
  if (outcome === 'ok')
    return `${INDENT}${terminal.style(terminal.unicode ? '✔' : 'ok  ', 'green')}`;
  if (outcome === 'failed')
    return `${INDENT}${terminal.style(terminal.unicode ? '✘' : 'FAIL', 'red')}`;
  return `${INDENT}${terminal.style(terminal.unicode ? '–' : '-   ', 'yellow')}`;
}

function detail(check: Exclude<Check, { skipped: string }>): string {
  const error = check.error === undefined ? '' : `${check.error} `;
  if ('rttUs' in check) {
    return `${error}${count(check.received)} of ${count(check.sent)} came back, round trip ${check.rttUs.p50} us, 99% within ${check.rttUs.p99} us`;
  }
  if ('corrupt' in check) {
    return `${error}${count(check.received)} of ${count(check.sent)} came back, ${check.lost} lost, ${check.corrupt} corrupt`;
  }
  if ('bytes' in check) {
    return `${error}${count(Math.round(check.bytes / MIB))} MiB at ${check.gbitPerSecond} Gbit/s, SHA-256 ${check.sha256Match ? 'equal' : 'DIFFERS'}`;
  }
  if ('pausedMs' in check) {
    return `${error}${check.pausedMs} ms: ${count(check.offeredWhilePaused)} packets offered, ${check.deliveredWhilePaused} passed; back after ${check.resumedAfterMs} ms${check.recovered ? '' : ', NOT recovered'}`;
  }
  return error;
}

/** How many packets were dropped why; reasons that did not arise are left out. */
function droppedWords({ statistics }: DemoResult): string {
  const { drops, hostDrops } = statistics;
  const reasons = Object.entries(DROPPED)
    .map(([reason, words]) => [drops[reason as keyof typeof drops], words] as const)
    .concat([[hostDrops, "for want of room in the system's queue"]])
    .filter(([packets]) => packets > 0)
    .map(([packets, words]) => `${count(packets)} ${words}`);
  return reasons.length === 0 ? 'none dropped' : `dropped: ${reasons.join(', ')}`;
}

function row(name: string, text: string): string {
  return `${INDENT}${name.padEnd(NAME_COLUMNS)} ${text}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
