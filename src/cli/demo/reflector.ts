/**
 * Sends every packet back with source and destination exchanged. What the system sends to 10.7.0.2
 * thus arrives at its own 10.7.0.1, as if from 10.7.0.2: real TCP, UDP and ICMP through an adapter
 * with no second machine. Checksums stay valid: they are sums, and order does not matter to them.
 */

import { BundleReader, type Device, swapAddresses } from '../../index.ts';

/** Reflects until the device is closed. */
export async function reflect(device: Device): Promise<void> {
  const reader = new BundleReader();
  for await (const bundle of device) {
    reader.reset(bundle.bytes);
    while (reader.next()) swapAddresses(bundle.bytes, reader.offset);
    await device.write(bundle);
  }
}
