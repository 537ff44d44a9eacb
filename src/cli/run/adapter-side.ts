/** A far side that is another adapter: what the command sends is written to it, what it gives goes in. */

import { Adapter, BundleReader, type Device } from '../../index.ts';
import type { FarSide } from './far-side.ts';

const reader = new BundleReader();

function countPackets(bundle: Uint8Array): number {
  reader.reset(bundle);
  let packets = 0;
  while (reader.next()) packets++;
  return packets;
}

/** Takes over `adapter`, which `close` closes. */
export function adapterSide(adapter: Adapter, description: string): FarSide {
  const device: Device = adapter.openDevice();
  return {
    description,
    deliver(bytes, length) {
      const bundle = bytes.subarray(0, length);
      return countPackets(bundle) - device.writeSync(bundle);
    },
    async start(sendIn) {
      for await (const bundle of device) sendIn(bundle.bytes, bundle.byteLength);
    },
    close: () => adapter.close(),
  };
}

/** Opens the interface `name`, a persistent TUN that is there, for what the command sends and gets. */
export async function openAdapter(name: string): Promise<FarSide> {
  return adapterSide(await Adapter.open(name), `the interface ${name}`);
}
