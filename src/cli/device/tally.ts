/** What passed through a device, for a person and as an object. */

import { formatBytes, formatCount } from '../format/quantity.ts';

/** Counters of one direction. */
export interface Passed {
  bundles: number;
  packets: number;
  /** Of entries, headers and padding included. */
  bytes: number;
}

export interface Written extends Passed {
  /** Packets the system took. */
  delivered: number;
}

/** Members are there for the directions that were asked for. */
export interface Tally {
  readonly adapter: string;
  readonly read?: Passed;
  readonly written?: Written;
}

export function newPassed(): Passed {
  return { bundles: 0, packets: 0, bytes: 0 };
}

/** One line. */
export function tallyLine({ adapter, read, written }: Tally): string {
  const parts = [
    ...(read === undefined ? [] : [`read ${passedText(read)}`]),
    ...(written === undefined ? [] : [`wrote ${passedText(written)}${refused(written)}`]),
  ];
  return `${adapter}: ${parts.join('; ')}`;
}

function passedText({ bundles, packets, bytes }: Passed): string {
  return `${formatCount(packets, 'packet')} in ${formatCount(bundles, 'bundle')} (${formatBytes(bytes)})`;
}

function refused({ packets, delivered }: Written): string {
  if (delivered === packets) return '';
  return `, of which ${delivered} were delivered (the adapter was paused or in low power, or the system refused them)`;
}
