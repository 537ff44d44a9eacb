/** A host's counters as Prometheus wants them: names, units and labels. Source: docs/driver-contract.md, section 6. */

import { BUNDLE_SIZE_BOUNDS, READ_WAIT_BOUNDS_MS } from '../../index.ts';
import type { DebugReport, StatisticsEntry } from '../../service/control-protocol.ts';
import { dropsOf } from '../adapter-view.ts';

const MS_PER_SECOND = 1000;
const DIRECTIONS = ['out', 'in'] as const;
const CASTS = ['unicast', 'multicast', 'broadcast'] as const;
const STATES = [
  'Halted',
  'Initializing',
  'Paused',
  'Restarting',
  'Running',
  'Pausing',
  'Halting',
  'Shutdown',
] as const;

type Labels = Readonly<Record<string, string>>;

/** One line: the value of a metric, or of a histogram's `_bucket`, `_sum` or `_count`. */
export interface MetricValue {
  readonly suffix?: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** All values of it in a report. */
  values(report: DebugReport): MetricValue[];
}

type Adapter = DebugReport['adapters'][number];

/** Every metric of the host's own. */
export const FAMILIES: readonly Family[] = [
  family('typetun_host_info', 'gauge', 'What runs: always 1.', ({ host: { version, node } }) => [
    { labels: { version, node }, value: 1 },
  ]),
  family('typetun_host_uptime_seconds', 'gauge', 'How long the host runs.', ({ host }) => [
    { labels: {}, value: host.uptimeSeconds },
  ]),
  family(
    'typetun_control_connections',
    'gauge',
    'Open connections to the control socket.',
    (report) => [{ labels: {}, value: report.controlConnections }],
  ),
  family('typetun_refusals_total', 'counter', 'Peers that were turned away, by reason.', (report) =>
    Object.entries(report.refusals).map(([reason, value]) => ({ labels: { reason }, value })),
  ),
  each('typetun_adapter_info', 'gauge', 'An adapter that is there: always 1.', (adapter) => {
    const { link, origin } = adapter;
    return [{ labels: { link, origin }, value: 1 }];
  }),
  each('typetun_adapter_state', 'gauge', '1 for the state the adapter is in.', (adapter) =>
    STATES.map((state) => ({ labels: { state }, value: Number(adapter.state === state) })),
  ),
  each('typetun_adapter_powered', 'gauge', '1 when power is D0.', ({ power }) =>
    one(Number(power === 'D0')),
  ),
  each('typetun_adapter_media_connected', 'gauge', '1 when a device is open.', ({ media }) =>
    one(Number(media === 'Connected')),
  ),
  each('typetun_adapter_mtu_bytes', 'gauge', 'MTU.', ({ mtu }) => one(mtu)),
  each('typetun_adapter_clients', 'gauge', 'Programs that have the device open.', ({ clients }) =>
    one(clients.length),
  ),
  each(
    'typetun_octets_total',
    'counter',
    'Bytes of packets. out: read from the adapter; in: written to it.',
    (adapter) =>
      DIRECTIONS.map((direction) => ({
        labels: { direction },
        value: adapter.statistics.statistics[direction].octets,
      })),
  ),
  each('typetun_packets_total', 'counter', 'Packets, by kind of destination.', byCast('Packets')),
  each(
    'typetun_cast_octets_total',
    'counter',
    'Bytes of packets, by kind of destination.',
    byCast('Octets'),
  ),
  each(
    'typetun_errors_total',
    'counter',
    'Unreadable packets out; bundles and packets refused in.',
    (adapter) =>
      DIRECTIONS.map((direction) => ({
        labels: { direction },
        value: adapter.statistics.statistics[direction].errors,
      })),
  ),
  each('typetun_discards_total', 'counter', 'Packets dropped, whatever for.', (adapter) =>
    DIRECTIONS.map((direction) => ({
      labels: { direction },
      value: adapter.statistics.statistics[direction].discards,
    })),
  ),
  each(
    'typetun_drops_total',
    'counter',
    "Packets dropped, by reason; host is the system's own queue.",
    (adapter) =>
      dropsOf(adapter.statistics).map(({ direction, reason, count }) => ({
        labels: { direction, reason },
        value: count,
      })),
  ),
  each(
    'typetun_taken_packets_total',
    'counter',
    'Packets taken from the system.',
    ({ statistics }) => one(statistics.statistics.taken),
  ),
  each('typetun_bundles_total', 'counter', 'Bundles.', ({ statistics }) => {
    const { read, written } = statistics.statistics.bundles;
    return [
      { labels: { operation: 'read' }, value: read },
      { labels: { operation: 'write' }, value: written },
    ];
  }),
  each(
    'typetun_largest_bundle_packets',
    'gauge',
    'Packets in the largest bundle read.',
    ({ statistics }) => one(statistics.statistics.bundles.maxPackets),
  ),
  each('typetun_queued_packets', 'gauge', 'Packets that wait for a reader.', ({ statistics }) =>
    one(statistics.statistics.queued.packets),
  ),
  each('typetun_queued_bytes', 'gauge', 'Bytes of the queue that they take.', ({ statistics }) =>
    one(statistics.statistics.queued.bytes),
  ),
  each(
    'typetun_interface_packets_total',
    'counter',
    'Packets as the kernel counts them while a client has the descriptor.',
    ofInterface('packets'),
  ),
  each(
    'typetun_interface_octets_total',
    'counter',
    'Bytes as the kernel counts them while a client has the descriptor.',
    ofInterface('octets'),
  ),
  each('typetun_bundle_packets', 'histogram', 'Packets in each bundle read.', ({ statistics }) => {
    const { sizes, packetsRead } = statistics.statistics.bundles;
    return histogram(BUNDLE_SIZE_BOUNDS, sizes, packetsRead);
  }),
  each(
    'typetun_read_wait_seconds',
    'histogram',
    'How long reads waited for a packet; those in the bucket 0 did not.',
    ({ statistics }) => {
      const { bundles, readWaits } = statistics.statistics;
      const waited = readWaits.counts.reduce((sum, count) => sum + count, 0);
      const bounds = [0, ...READ_WAIT_BOUNDS_MS.map((ms) => ms / MS_PER_SECOND)];
      // Counted a moment apart: never fewer than none.
      const counts = [Math.max(0, bundles.read - waited), ...readWaits.counts];
      return histogram(bounds, counts, readWaits.totalMs / MS_PER_SECOND);
    },
  ),
];

function family(
  name: string,
  type: Family['type'],
  help: string,
  values: Family['values'],
): Family {
  return { name, type, help, values };
}

/** A family with values of each adapter. */
function each(
  name: string,
  type: Family['type'],
  help: string,
  valuesOf: (adapter: Adapter) => MetricValue[],
): Family {
  return family(name, type, help, ({ adapters }) =>
    adapters.flatMap((adapter) => {
      const own = { adapter: adapter.name, device: adapter.statistics.device };
      return valuesOf(adapter).map(({ labels, ...value }) => ({
        ...value,
        labels: { ...own, ...labels },
      }));
    }),
  );
}

function one(value: number): MetricValue[] {
  return [{ labels: {}, value }];
}

function byCast(what: 'Packets' | 'Octets'): (adapter: Adapter) => MetricValue[] {
  return ({ statistics }) =>
    DIRECTIONS.flatMap((direction) =>
      CASTS.map((cast) => ({
        labels: { direction, cast },
        value: statistics.statistics[direction][`${cast}${what}`],
      })),
    );
}

function ofInterface(what: 'packets' | 'octets'): (adapter: Adapter) => MetricValue[] {
  return ({ statistics }: { statistics: StatisticsEntry }) => {
    const kernel = statistics.interface;
    if (kernel === undefined) return [];
    return DIRECTIONS.map((direction) => ({
      labels: { direction },
      value: kernel[direction][what],
    }));
  };
}

/** Cumulative buckets; `counts` may have one more than `bounds`, for what is above them. */
function histogram(
  bounds: readonly number[],
  counts: readonly number[],
  sum: number,
): MetricValue[] {
  let count = 0;
  const buckets = counts.map((each, bucket) => {
    count += each;
    const bound = bounds[bucket];
    return {
      suffix: '_bucket',
      labels: { le: bound === undefined ? '+Inf' : String(bound) },
      value: count,
    };
  });
  const isOpen = counts.length > bounds.length;
  const infinite = isOpen ? [] : [{ suffix: '_bucket', labels: { le: '+Inf' }, value: count }];
  return [
    ...buckets,
    ...infinite,
    { suffix: '_sum', labels: {}, value: sum },
    { suffix: '_count', labels: {}, value: count },
  ];
}
