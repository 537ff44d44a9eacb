/** What every forwarder of ours does on an event loop: one bundle in, the same bundle out. */

import { BundleReader, type Device, ipVersion } from 'typetun';

/** Looks at the header of every packet, as a program that routes or filters would. */
export class Inspector {
  readonly #reader: BundleReader;
  /** Packets seen, by IP version. */
  readonly versions = new Uint32Array(16);

  constructor(carried: boolean) {
    this.#reader = new BundleReader({ carried });
  }

  look(bundle: Uint8Array): void {
    const reader = this.#reader;
    reader.reset(bundle);
    while (reader.next()) this.versions[ipVersion(bundle, reader.offset)]!++;
  }
}

/** Until the device is closed. */
export async function forward(from: Device, to: Device, inspector?: Inspector): Promise<void> {
  const buffer = from.createBuffer();
  for (;;) {
    const { bytes } = await from.read(buffer);
    inspector?.look(bytes);
    to.writeSync(bytes);
  }
}
