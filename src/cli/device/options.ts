/** The options of `typetun device`. */

import type { ViaOptions } from '../via/options.ts';

/** `bundles` as they are, `pcapng` for Wireshark and its like, `lines` for people. */
export type PacketFormat = 'bundles' | 'pcapng' | 'lines';

export interface DeviceReadOptions extends ViaOptions {
  readonly format?: PacketFormat;
  /** Packets. */
  readonly count?: number;
  readonly seconds?: number;
}

export interface DeviceWriteOptions extends ViaOptions {
  readonly format?: Exclude<PacketFormat, 'lines'>;
}
