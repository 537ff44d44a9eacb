/** A device of a host, or of an interface of this machine: read and written alike. */

import { Adapter } from '../../index.ts';
import { findInterface } from '../machine/interfaces.ts';
import type { Via } from '../via/locate.ts';
import { asked } from '../via/perform.ts';

/** An open device. */
export interface Handle {
  /** Name of the adapter. */
  readonly adapter: string;
  /** Its bundles, each valid until the next step. Ends when the handle or the adapter is closed. */
  readonly bundles: AsyncIterable<Uint8Array>;
  /** Resolves to the packets that were delivered. */
  write(bundle: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** Opens the device of that adapter, by any of its names. Rejects with TunError. */
export async function openHandle(via: Via, reference: string, client: string): Promise<Handle> {
  if (via.via === 'host') {
    const { HostDevice } = await import('../../service.ts');
    const { runDirectory } = via.control;
    // Packets of another run of the host are not what was asked for.
    const options = { runDirectory, client, reconnectMs: 0 };
    const device = await asked(HostDevice.open(reference, options));
    return {
      adapter: device.welcome.adapter,
      bundles: device,
      write: (bundle) => device.write(bundle),
      close: () => device.close(),
    };
  }
  const { name } = findInterface(reference);
  const adapter = await Adapter.open(name);
  const device = adapter.openDevice();
  return {
    adapter: name,
    bundles: bytesOf(device),
    write: (bundle) => device.write(bundle),
    close: () => adapter.close(),
  };
}

async function* bytesOf(
  bundles: AsyncIterable<{ readonly bytes: Uint8Array }>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { bytes } of bundles) yield bytes;
}
