/**
 * Two adapters in one network namespace whose kernel forwards from the first to the second: what is
 * written to one waits at the other when the write returns. No other program, and no waiting, is in
 * the figures. The namespace's `ip_forward` is to be on.
 */

import { Adapter, type AdapterOptions, BundleWriter, type Device, type Offload } from 'typetun';
import { entryBytes, MIN_READ_BUFFER_BYTES } from '#dist/limits.js';
import { datagram, IN_ADDRESS, OUT_ADDRESS } from './datagrams.ts';

export interface Loop {
  /** Where packets go in. */
  readonly input: Adapter;
  /** Where they come out. Nothing is taken out of it ahead of a read. */
  readonly output: Adapter;
}

export interface LoopOptions {
  readonly netns: string;
  readonly offload: Offload;
  readonly mtu: number;
}

/** Makes both; `output` is what the second has besides. */
export async function openLoop(options: LoopOptions, output: AdapterOptions = {}): Promise<Loop> {
  const common = { ...options, prefetch: false };
  return {
    input: await Adapter.create({ ...common, name: 'scale-in', addresses: [IN_ADDRESS] }),
    output: await Adapter.create({
      ...common,
      name: 'scale-out',
      addresses: [OUT_ADDRESS],
      ...output,
    }),
  };
}

/** A bundle of datagrams of that size, of so many flows in turn, in memory that is good to write from. */
export function bundleOf(
  device: Device,
  packets: number,
  bytes: number,
  flows: (i: number) => number,
): BundleWriter {
  const room = Math.max(packets * entryBytes(bytes), MIN_READ_BUFFER_BYTES);
  const writer = new BundleWriter(device.createBuffer(room));
  for (let i = 0; i < packets; i++) {
    if (!writer.append(datagram(bytes, flows(i)))) throw new Error(`${packets} do not fit`);
  }
  return writer;
}
