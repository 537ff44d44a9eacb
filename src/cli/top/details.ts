/** What is said of the chosen adapter, below the table. */

import type { AdapterView, Point } from '../../observe.ts';
import { sparkline } from '../demo/sparkline.ts';
import type { Formats } from './frame.ts';
import { padded, type Line, type Style, span } from './text.ts';

const LABEL_WIDTH = 10;
/** Columns of sparklines at most: two minutes of one a second. */
const MAX_SPARK = 120;
/** Room for the numbers behind a sparkline. */
const NUMBERS_WIDTH = 46;
/** Of these numbers, from the left. */
const BITS_WIDTH = 12;
const PACKETS_WIDTH = 18;
const OCTETS_WIDTH = 11;
/** Clients that are named. */
const MAX_CLIENTS = 3;

export interface DetailsInput {
  readonly adapter: AdapterView;
  /** Oldest first. */
  readonly points: readonly Point[];
  readonly width: number;
  readonly unicode: boolean;
  readonly formats: Formats;
}

export function detailLines(input: DetailsInput): Line[] {
  const { adapter, unicode } = input;
  const { name, device, link, mtu, addresses } = adapter;
  const dot = unicode ? ' · ' : ', ';
  const facts = [device, `${link} link`, `MTU ${mtu}`, ...addresses].join(dot);
  return [
    [span(` ${name}  `, 'bold'), span(facts, 'dim')],
    rateLine(input, 'out'),
    rateLine(input, 'in'),
    bundleLine(input),
    lostLine(input, dot),
    ...clientLines(input, dot),
    labelled('flows', span('not tracked by the host; "typetun capture" shows packets', 'dim')),
  ];
}

function rateLine(
  { adapter, points, width, unicode, formats }: DetailsInput,
  direction: 'out' | 'in',
): Line {
  const { rates } = adapter;
  const [bits, packets] =
    direction === 'out' ? [rates.outBits, rates.outPackets] : [rates.inBits, rates.inPackets];
  const room = Math.max(0, Math.min(MAX_SPARK, width - LABEL_WIDTH - NUMBERS_WIDTH));
  const values = points
    .slice(-room)
    .map((point) => (direction === 'out' ? point.outBits : point.inBits));
  const bars = sparkline(values, room, unicode);
  const numbers = [
    padded(formats.bits(bits), BITS_WIDTH, true),
    padded(`${formats.scaled(Math.round(packets))} packets/s`, PACKETS_WIDTH, true),
    padded(formats.bytes(adapter[direction].octets), OCTETS_WIDTH, true),
  ];
  return labelled(direction, span(padded(bars, room), direction), span(numbers.join(' '), 'plain'));
}

function bundleLine({ adapter, unicode, formats }: DetailsInput): Line {
  const { bundles, rates, lent } = adapter;
  if (lent)
    return labelled('bundles', span('a client has the descriptor and reads for itself', 'dim'));
  const bars = sparkline(bundles.sizes, bundles.sizes.length, unicode);
  const words = `  of 1 to 256 packets; ${rates.packetsPerBundle.toFixed(1)} now, ${formats.count(bundles.maxPackets)} at most, ${formats.count(bundles.read)} read`;
  return labelled('bundles', span(bars, 'out'), span(words));
}

function lostLine({ adapter, formats }: DetailsInput, dot: string): Line {
  const lost = adapter.drops.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
  if (lost.length === 0) return labelled('lost', span('nothing', 'dim'));
  const words = lost.map(({ label, direction, count }) => {
    return `${label}${direction === 'in' ? ' (in)' : ''} ${formats.count(count)}`;
  });
  return labelled('lost', span(words.join(dot), 'bad'));
}

function clientLines({ adapter, formats }: DetailsInput, dot: string): Line[] {
  const { clients, queued } = adapter;
  const waiting = `${formats.count(queued.packets)} packets, ${formats.bytes(queued.bytes)}`;
  const named = clients
    .slice(0, MAX_CLIENTS)
    .map(({ label, role, packetsRead, packetsWritten }) => {
      const has = role === 'descriptor' ? 'has the descriptor' : '';
      const moved = `read ${formats.count(packetsRead)}, wrote ${formats.count(packetsWritten)}`;
      return [label, has || moved].join(dot);
    });
  const more = clients.length - named.length;
  const lines = named.length === 0 ? ['nobody has it open'] : named;
  const all = more > 0 ? [...lines, `and ${more} more`] : lines;
  const style: Style = named.length === 0 ? 'dim' : 'plain';
  return [
    labelled('waiting', span(waiting)),
    ...all.map((text, index) => labelled(index === 0 ? 'programs' : '', span(text, style))),
  ];
}

function labelled(label: string, ...rest: readonly ReturnType<typeof span>[]): Line {
  return [span(padded(` ${label}`, LABEL_WIDTH), 'dim'), ...rest];
}
