/** Answers every ping to 10.7.0.2 to 10.7.0.254. As root: npm run example -- echo; then ping 10.7.0.2 */

import { Adapter, swapAddresses } from 'typetun';

const PROTOCOL = 9; // offset of the protocol in an IPv4 header (RFC 791)
const ICMP = 1;
const TYPE = 20; // offset of the ICMP type behind a header without options (RFC 792)
const CHECKSUM = 22;
const ECHO_REQUEST = 8;

await using adapter = await Adapter.create({ addresses: ['10.7.0.1/24'] });
await using device = adapter.openDevice();
console.log(`answering pings to 10.7.0.2 on ${adapter.name}; Ctrl-C ends it`);

for await (const bundle of device) {
  for (const packet of bundle) {
    if (packet[0] !== 0x45 || packet[PROTOCOL] !== ICMP || packet[TYPE] !== ECHO_REQUEST) continue;
    swapAddresses(packet, 0);
    packet[TYPE] = 0; // echo reply: the sum of the words falls by 8 << 8, so the checksum rises by it
    const raised = ((packet[CHECKSUM]! << 8) | packet[CHECKSUM + 1]!) + (ECHO_REQUEST << 8);
    const folded = (raised & 0xffff) + (raised >>> 16);
    packet[CHECKSUM] = folded >>> 8;
    packet[CHECKSUM + 1] = folded & 0xff;
  }
  await device.write(bundle);
}
