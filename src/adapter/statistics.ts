/**
 * The adapter's counters as one plain object. Directions are the host stack's: `out` is what the
 * host sent and a reader got, `in` what a writer wrote and the host received.
 *
 * Source: docs/driver-contract.md, section 6.
 */

import type { Link } from '../link/link.ts';
import { Counter } from '../sync/layout.ts';
import { readBundleSizes, readReadWaits } from './histograms.ts';
import type { SharedAdapter } from './shared-adapter.ts';

/** Counters of one direction. Exact up to 2^53. Multicast and broadcast are not in unicast. */
export interface DirectionStatistics {
  /** Bytes of all packets, IP headers included. */
  readonly octets: number;
  readonly unicastPackets: number;
  readonly unicastOctets: number;
  readonly multicastPackets: number;
  readonly multicastOctets: number;
  readonly broadcastPackets: number;
  readonly broadcastOctets: number;
  /** Out: packets that are neither IPv4 nor IPv6. In: bundles refused, packets the host refused. */
  readonly errors: number;
  /** Packets dropped for any of the reasons in `drops` (out) or `receiveDrops` (in). */
  readonly discards: number;
}

/** What an adapter has done since it was created. A snapshot; it does not change. */
export interface AdapterStatistics {
  readonly out: DirectionStatistics;
  readonly in: DirectionStatistics;
  /** Packets taken from the host stack: those read, dropped, still queued, or being handed over. */
  readonly taken: number;
  readonly bundles: {
    readonly read: number;
    readonly written: number;
    /** Packets in the bundles read. */
    readonly packetsRead: number;
    /** Packets of the bundles written that the host took. */
    readonly packetsWritten: number;
    /** Packets in the largest bundle read. */
    readonly maxPackets: number;
    /** Bundles read, by the packets in them: 1, 2, up to 4, up to 8, ... up to 256. */
    readonly sizes: readonly number[];
  };
  /** Reads that were answered after they had to wait; the others, `bundles.read` less these, did not. */
  readonly readWaits: {
    /** By how long: up to 10 us, 100 us, 1 ms, 10 ms, 100 ms, 1 s, 10 s, and longer. */
    readonly counts: readonly number[];
    /** How long all of them together. */
    readonly totalMs: number;
  };
  /** Packets the host sent that no reader got, by reason. */
  readonly drops: {
    readonly paused: number;
    readonly lowPower: number;
    /** No handle was open. */
    readonly notOpen: number;
    /** The queue was full. */
    readonly queueFull: number;
    /** Over 61,424 bytes. */
    readonly oversize: number;
    /** Neither IPv4 nor IPv6; counted as errors, not as discards. */
    readonly unreadable: number;
    /** Cleared by a removal query or a shutdown. */
    readonly cleared: number;
    /** Withdrawn by the host. */
    readonly cancelled: number;
    /** In the hands of a thread that was terminated. */
    readonly abandoned: number;
  };
  /** Packets written while nothing was accepted, by reason. */
  readonly receiveDrops: {
    readonly paused: number;
    readonly lowPower: number;
    readonly notOpen: number;
  };
  /** Packets the host itself dropped in front of the adapter: its own queue was full. */
  readonly hostDrops: number;
  /** What waits in the adapter's queues now. */
  readonly queued: { readonly packets: number; readonly bytes: number };
}

/** Takes a snapshot. Asks the link for the host's drops. */
export function readStatistics(shared: SharedAdapter, link: Link): AdapterStatistics {
  const { counters, lanes } = shared;
  const sum = (counter: Counter): number => counters.sum(counter);
  const out: DirectionStatistics = {
    octets: sum(Counter.OUT_OCTETS),
    unicastPackets: sum(Counter.OUT_UNICAST_PACKETS),
    unicastOctets: sum(Counter.OUT_UNICAST_OCTETS),
    multicastPackets: sum(Counter.OUT_MULTICAST_PACKETS),
    multicastOctets: sum(Counter.OUT_MULTICAST_OCTETS),
    broadcastPackets: sum(Counter.OUT_BROADCAST_PACKETS),
    broadcastOctets: sum(Counter.OUT_BROADCAST_OCTETS),
    errors: sum(Counter.OUT_ERRORS),
    discards: sum(Counter.OUT_DISCARDS),
  };
  const received: DirectionStatistics = {
    octets: sum(Counter.IN_OCTETS),
    unicastPackets: sum(Counter.IN_UNICAST_PACKETS),
    unicastOctets: sum(Counter.IN_UNICAST_OCTETS),
    multicastPackets: sum(Counter.IN_MULTICAST_PACKETS),
    multicastOctets: sum(Counter.IN_MULTICAST_OCTETS),
    broadcastPackets: sum(Counter.IN_BROADCAST_PACKETS),
    broadcastOctets: sum(Counter.IN_BROADCAST_OCTETS),
    errors: sum(Counter.IN_ERRORS),
    discards: sum(Counter.IN_DISCARDS),
  };
  const bundles = {
    read: sum(Counter.BUNDLES_READ),
    written: sum(Counter.BUNDLES_WRITTEN),
    packetsRead: packets(out),
    packetsWritten: packets(received),
    maxPackets: counters.largest(Counter.LARGEST_BUNDLE),
    sizes: readBundleSizes(counters),
  };
  const drops = {
    paused: sum(Counter.DROP_PAUSED),
    lowPower: sum(Counter.DROP_LOW_POWER),
    notOpen: sum(Counter.DROP_NOT_OPEN),
    queueFull: sum(Counter.DROP_QUEUE_FULL),
    oversize: sum(Counter.DROP_OVERSIZE),
    unreadable: sum(Counter.DROP_UNREADABLE),
    cleared: sum(Counter.DROP_CLEARED),
    cancelled: sum(Counter.DROP_CANCELLED),
    abandoned: sum(Counter.DROP_ABANDONED),
  };
  const queued = {
    packets: lanes.reduce((packets, { queue }) => packets + queue.count, 0),
    bytes: lanes.reduce((bytes, { queue }) => bytes + queue.byteCount, 0),
  };
  const dropped = Object.values(drops).reduce((total, count) => total + count, 0);
  return {
    out,
    in: received,
    taken: bundles.packetsRead + dropped + queued.packets + shared.packetsInHand,
    bundles,
    readWaits: readReadWaits(counters),
    drops,
    receiveDrops: {
      paused: sum(Counter.RECEIVE_DROP_PAUSED),
      lowPower: sum(Counter.RECEIVE_DROP_LOW_POWER),
      notOpen: sum(Counter.RECEIVE_DROP_NOT_OPEN),
    },
    hostDrops: link.hostDrops(),
    queued,
  };
}

function packets(direction: DirectionStatistics): number {
  return direction.unicastPackets + direction.multicastPackets + direction.broadcastPackets;
}
