/**
 * Captures what passes through an adapter to out/capture.pcapng, for Wireshark, and reads it back. In process, so
 * that it takes no privileges; with an adapter of the kernel it is the same.
 */

import { createWriteStream, mkdirSync } from 'node:fs';
import {
  Adapter,
  capture,
  formatAddress,
  IPV4_DESTINATION,
  readCapture,
  swapAddresses,
} from 'typetun';
import { MemoryHost } from 'typetun/testing';

const FILE = 'out/capture.pcapng';
mkdirSync('out', { recursive: true });

const host = new MemoryHost({});
await using adapter = await Adapter.create({ addresses: ['10.7.0.1/24'], link: host.provider() });
const device = adapter.openDevice();
const reflecting = (async () => {
  for await (const bundle of device) {
    for (const packet of bundle) swapAddresses(packet, 0);
    await device.write(bundle);
  }
})();

// Only what the host sends to .2 and .3, 64 bytes of each packet.
const filter = 'icmp and dst net 10.7.0.2/31 and outbound';
const taking = capture(adapter, createWriteStream(FILE), { filter, snapLength: 64 });
for (const address of ['10.7.0.2', '10.7.0.3', '10.7.0.4']) {
  taking.comment(`a ping to ${address}`);
  await host.ping(address, { timeoutMs: 1000 });
}
await taking.close();
const { packets, filtered, dropped } = taking.statistics;
console.log(`${packets} packets in ${FILE}, ${filtered} did not pass the filter, ${dropped} lost`);

for await (const { frame, packetOffset, originalBytes, direction } of readCapture(FILE)) {
  const to = formatAddress(frame, packetOffset + IPV4_DESTINATION, 4);
  console.log(`${direction}: ${originalBytes} bytes to ${to}`);
}
await adapter.close();
await reflecting;
