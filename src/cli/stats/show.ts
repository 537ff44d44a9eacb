/** Counters for people: what is 0 and would only be read over is left out. */

import type { AdapterStatistics, DirectionStatistics } from '../../index.ts';
import type { InterfaceStatistics } from '../../service.ts';
import { formatBytes, formatCount } from '../format/quantity.ts';
import { listLines } from '../format/table.ts';
import type { Terminal } from '../terminal.ts';
import type { Sample } from './sample.ts';

/** All there is of one adapter. */
export function sampleLines(terminal: Terminal, sample: Sample): string[] {
  const { adapter, device, statistics, interface: kernel } = sample;
  const own = statistics === undefined ? [] : adapterValues(statistics);
  const where = statistics === undefined ? '' : ', with the descriptor';
  const kernels = kernel === undefined ? [] : interfaceValues(kernel, where);
  return listLines(terminal, `${adapter} ${device}`, [...own, ...kernels]);
}

type Value = readonly [name: string, value: string | undefined];

function adapterValues(statistics: AdapterStatistics): Value[] {
  const { out, in: into, bundles, queued, drops, receiveDrops, hostDrops } = statistics;
  return [
    ['out', directionText(out)],
    ['in', directionText(into)],
    [
      'bundles',
      `${bundles.read} read (the largest of ${formatCount(bundles.maxPackets, 'packet')}), ${bundles.written} written`,
    ],
    ['queued', `${formatCount(queued.packets, 'packet')}, ${formatBytes(queued.bytes)}`],
    ['dropped', counts({ ...drops })],
    ['not taken', counts({ ...receiveDrops })],
    ['dropped by the system', hostDrops === 0 ? undefined : formatCount(hostDrops, 'packet')],
  ];
}

function interfaceValues({ out, in: into }: InterfaceStatistics, where: string): Value[] {
  return ([['out', out] as const, ['in', into] as const] as const).map(([name, one]) => [
    `${name} (kernel${where})`,
    `${formatCount(one.packets, 'packet')}, ${formatBytes(one.octets)}${failures(one.errors, one.dropped)}`,
  ]);
}

function directionText(direction: DirectionStatistics): string {
  const { unicastPackets, multicastPackets, broadcastPackets, octets, errors, discards } =
    direction;
  const packets = unicastPackets + multicastPackets + broadcastPackets;
  return `${formatCount(packets, 'packet')}, ${formatBytes(octets)}${failures(errors, discards)}`;
}

function failures(errors: number, dropped: number): string {
  const wrong = errors === 0 ? '' : `, ${formatCount(errors, 'error')}`;
  return dropped === 0 ? wrong : `${wrong}, ${dropped} dropped`;
}

/** `paused 3, queueFull 1`; undefined when nothing was. */
function counts(reasons: Readonly<Record<string, number>>): string | undefined {
  const there = Object.entries(reasons).filter(([, count]) => count > 0);
  if (there.length === 0) return undefined;
  return there.map(([reason, count]) => `${reason} ${count}`).join(', ');
}
