/** An adapter and its counters as they are shown. */

import type { AdapterInfo, ClientInfo, StatisticsEntry } from '../service/control-protocol.ts';
import type { AdapterView, ClientView, Drop, Rates } from './page/model.ts';
import { totalsOf } from './rates.ts';

/** What people call the reasons of `statistics.drops` and `receiveDrops`. */
const LABELS: Readonly<Record<string, string>> = {
  paused: 'paused',
  lowPower: 'low power',
  notOpen: 'not open',
  queueFull: 'queue full',
  oversize: 'oversize',
  unreadable: 'unreadable',
  cleared: 'cleared',
  cancelled: 'cancelled',
  abandoned: 'abandoned',
};

/** Puts together what is known of an adapter. */
export function adapterView(info: AdapterInfo, entry: StatisticsEntry, rates: Rates): AdapterView {
  const { name, link, state, power, media, mtu, addresses, origin, lent } = info;
  const { bundles, queued } = entry.statistics;
  const { read, written, maxPackets, sizes } = bundles;
  return {
    ...{ name, device: entry.device, link, state, power, media, mtu, addresses, origin, lent },
    clients: info.clients.map(clientView),
    rates,
    out: totalsOf(entry, 'out'),
    in: totalsOf(entry, 'in'),
    bundles: { read, written, maxPackets, sizes },
    drops: dropsOf(entry),
    queued,
  };
}

/** Every reason, also of those that lost nothing; sent ones first. */
export function dropsOf({ statistics }: StatisticsEntry): Drop[] {
  const { drops, receiveDrops, hostDrops } = statistics;
  return [
    ...reasons(drops, 'out'),
    { reason: 'host', label: "system's queue full", direction: 'out', count: hostDrops },
    ...reasons(receiveDrops, 'in'),
  ];
}

function reasons(counts: Readonly<Record<string, number>>, direction: 'out' | 'in'): Drop[] {
  return Object.entries(counts).map(([reason, count]) => {
    return { reason, label: LABELS[reason] ?? reason, direction, count };
  });
}

function clientView(client: ClientInfo): ClientView {
  const { id, name, pid, uid, role, packetsRead, packetsWritten, waitingReads } = client;
  const process = pid === undefined ? undefined : `process ${pid}`;
  const label = [name, process, uid === undefined ? undefined : `user ${uid}`]
    .filter((part) => part !== undefined)
    .join(', ');
  return {
    ...{ id, role, packetsRead, packetsWritten, waitingReads },
    label: label || `connection ${id}`,
  };
}
