/** What every forwarder of ours does on an event loop: one bundle in, the same bundle out. */

import { type Bundle, BundleReader, type Device, ipVersion } from 'typetun';

/** Looks at the header of every packet, as a program that routes or filters would. */
export class Inspector {
  readonly #reader: BundleReader;
  /** Packets seen, by IP version. */
  readonly versions = new Uint32Array(16);

  constructor(carried: boolean) {
    this.#reader = new BundleReader({ carried });
  }

  look({ readBuffer, byteLength }: Bundle): void {
    const reader = this.#reader;
    reader.reset(readBuffer, byteLength);
    while (reader.next()) this.versions[ipVersion(readBuffer, reader.offset)]!++;
  }
}

/** Until the device is closed. */
export async function forward(from: Device, to: Device, inspector?: Inspector): Promise<void> {
  const buffer = from.createBuffer();
  for (;;) {
    const bundle = await from.read(buffer);
    inspector?.look(bundle);
    to.writeSync(bundle);
  }
}
