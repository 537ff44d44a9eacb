/** What passed through a device, for a person and as an object. */

import { formatBytes, formatCount } from '../format/quantity.ts';

/** Counters of one direction. */
export interface Passed {
  bundles: number;
  packets: number;
  /** Of entries, headers and padding included. */
  bytes: number;
}

export interface Read extends Passed {
  /** Packets that standard output has not: it took a capture too slowly, or failed. */
  lost: number;
}

export interface Written extends Passed {
  /** Packets the system took. */
  delivered: number;
  /** Packets of a capture that could not be written: not whole in it, or no IP packets. */
  leftOut: number;
}

/** Members are there for the directions that were asked for. */
export interface Tally {
  readonly adapter: string;
  readonly read?: Read;
  readonly written?: Written;
}

export function newRead(): Read {
  return { bundles: 0, packets: 0, bytes: 0, lost: 0 };
}

export function newWritten(): Written {
  return { bundles: 0, packets: 0, bytes: 0, delivered: 0, leftOut: 0 };
}

/** One line. */
export function tallyLine({ adapter, read, written }: Tally): string {
  const parts = [
    ...(read === undefined ? [] : [`read ${passedText(read)}${lostText(read)}`]),
    ...(written === undefined ? [] : [`wrote ${passedText(written)}${refused(written)}`]),
  ];
  return `${adapter}: ${parts.join('; ')}`;
}

function passedText({ bundles, packets, bytes }: Passed): string {
  return `${formatCount(packets, 'packet')} in ${formatCount(bundles, 'bundle')} (${formatBytes(bytes)})`;
}

function lostText({ lost }: Read): string {
  return lost === 0 ? '' : `, of which ${lost} are lost: standard output took them too slowly`;
}

function refused({ packets, delivered, leftOut }: Written): string {
  const left = leftOut === 0 ? '' : `, and left out ${leftOut}, cut short or no IP packets`;
  if (delivered === packets) return left;
  return `${left}, of which ${delivered} were delivered (the adapter was paused or in low power, or the system refused them)`;
}
