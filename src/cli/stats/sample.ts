/** Counters of adapters at one moment, wherever they come from. */

import type { AdapterStatistics } from '../../index.ts';
import type { InterfaceStatistics } from '../../service.ts';
import { findInterface, interfaceStatistics, machineInterfaces } from '../machine/interfaces.ts';
import type { Via } from '../via/locate.ts';
import { asked } from '../via/perform.ts';

/** Of one adapter: its own counters where a host has it, the kernel's where not, or both. */
export interface Sample {
  readonly adapter: string;
  /** `WINTUN7` */
  readonly device: string;
  /** In ms since 1970, with fractions. */
  readonly time: number;
  readonly statistics?: AdapterStatistics;
  readonly interface?: InterfaceStatistics;
}

/** Looks at one adapter, or at all. Rejects with TunError. */
export async function takeSamples(via: Via, reference: string | undefined): Promise<Sample[]> {
  if (via.via === 'host') {
    const params = reference === undefined ? {} : { adapter: reference };
    return await asked(via.control.call('statistics', params));
  }
  const wanted = reference === undefined ? machineInterfaces() : [findInterface(reference)];
  return wanted.map(({ name, luidIndex }) => ({
    adapter: name,
    device: `WINTUN${luidIndex}`,
    time: performance.timeOrigin + performance.now(),
    interface: interfaceStatistics(name),
  }));
}

/** What passed in all, in both directions. */
export interface Totals {
  readonly outPackets: number;
  readonly outOctets: number;
  readonly inPackets: number;
  readonly inOctets: number;
  /** Packets that did not arrive, for whatever reason. */
  readonly lost: number;
  /** 0 where nobody counts bundles. */
  readonly bundlesRead: number;
  readonly packetsRead: number;
}

/**
 * The totals of a sample. While a client has the descriptor only the kernel sees its packets, and it sees all
 * others as well: its counts come first.
 */
export function totalsOf({ statistics, interface: kernel }: Sample): Totals {
  const bundlesRead = statistics?.bundles.read ?? 0;
  const packetsRead = statistics?.bundles.packetsRead ?? 0;
  const lost = statistics === undefined ? 0 : lostOf(statistics);
  if (kernel !== undefined) {
    const { out, in: into } = kernel;
    return {
      ...{ outPackets: out.packets, outOctets: out.octets },
      ...{ inPackets: into.packets, inOctets: into.octets },
      lost: statistics === undefined ? out.dropped + into.dropped : lost,
      ...{ bundlesRead, packetsRead },
    };
  }
  return {
    ...{ outPackets: packetsRead, outOctets: statistics?.out.octets ?? 0 },
    ...{ inPackets: statistics?.bundles.packetsWritten ?? 0 },
    ...{ inOctets: statistics?.in.octets ?? 0, lost, bundlesRead, packetsRead },
  };
}

function lostOf({ drops, receiveDrops, hostDrops }: AdapterStatistics): number {
  const counts: readonly number[] = [...Object.values(drops), ...Object.values(receiveDrops)];
  return counts.reduce((sum, count) => sum + count, hostDrops);
}
