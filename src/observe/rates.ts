/** Rates out of two readings of an adapter's counters. */

import type { StatisticsEntry } from '../service/control-protocol.ts';
import type { Rates, Totals } from './page/model.ts';

const BITS_PER_BYTE = 8;
const MS_PER_SECOND = 1000;

/** Nothing moves. */
export const NO_RATES: Rates = {
  outPackets: 0,
  inPackets: 0,
  outBits: 0,
  inBits: 0,
  drops: 0,
  packetsPerBundle: 0,
};

/** The totals of one direction: the kernel's while a client does its own input and output. */
export function totalsOf(entry: StatisticsEntry, direction: 'out' | 'in'): Totals {
  const { statistics, interface: kernel } = entry;
  if (kernel !== undefined) {
    const { packets, octets, errors, dropped } = kernel[direction];
    return { packets, octets, errors, discards: dropped };
  }
  const { bundles } = statistics;
  const { octets, errors, discards } = statistics[direction];
  const packets = direction === 'out' ? bundles.packetsRead : bundles.packetsWritten;
  return { packets, octets, errors, discards };
}

/** Packets lost, for any reason and both ways. */
export function lostPackets({ statistics }: StatisticsEntry): number {
  const { drops, receiveDrops, hostDrops } = statistics;
  const counts = [...Object.values(drops), ...Object.values(receiveDrops)];
  return counts.reduce((sum, count) => sum + count, hostDrops);
}

/** Rates from `before` to `now`; none when the clock stood still, or the counters began anew. */
export function ratesBetween(before: StatisticsEntry | undefined, now: StatisticsEntry): Rates {
  if (before === undefined) return NO_RATES;
  const seconds = (now.time - before.time) / MS_PER_SECOND;
  const out = difference(totalsOf(before, 'out'), totalsOf(now, 'out'));
  const received = difference(totalsOf(before, 'in'), totalsOf(now, 'in'));
  const isLent = now.interface !== undefined;
  const began =
    out.packets < 0 || received.packets < 0 || isLent !== (before.interface !== undefined);
  if (seconds <= 0 || began) return NO_RATES;
  const bundles = now.statistics.bundles.read - before.statistics.bundles.read;
  return {
    outPackets: out.packets / seconds,
    inPackets: received.packets / seconds,
    outBits: (out.octets * BITS_PER_BYTE) / seconds,
    inBits: (received.octets * BITS_PER_BYTE) / seconds,
    drops: Math.max(0, lostPackets(now) - lostPackets(before)) / seconds,
    packetsPerBundle: bundles > 0 && !isLent ? out.packets / bundles : 0,
  };
}

function difference(before: Totals, now: Totals): { packets: number; octets: number } {
  return { packets: now.packets - before.packets, octets: now.octets - before.octets };
}
