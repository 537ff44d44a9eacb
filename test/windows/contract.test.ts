/** The link contract against the Windows link, over the stand-in whose host is in memory. */

import { TakeResult } from '#dist/link/link.js';
import { linkContract } from '../contract/link-contract.ts';
import { payloadOffset, udpPacket } from '../support/ip-packets.ts';
import { linkConfig } from '../support/link-use.ts';
import { Standin } from './support/standin.ts';

const LOCAL = { address: '10.7.0.1', port: 4000 };
const REMOTE = { address: '10.7.0.2', port: 5000 };
const UDP_HEADER_BYTES = 8;
/** The smallest ring there is, less the word that stays free; a packet takes its size, and 4 bytes. */
const RING_BYTES = 0x20000;

const standin = new Standin('memory.dll');

linkContract('windows', async (change) => {
  const config = { ...linkConfig, ...change, wintun: standin.options };
  const link = await standin.provider.open(config);
  const index = link.info.interfaceIndex!;
  // Until it was first looked into, a new ring counts as one with packets in it.
  link.discardPending(new TakeResult());
  return {
    link,
    config,
    local: LOCAL,
    remote: REMOTE,
    hostSendUdp: (payload) => {
      const { address, port } = LOCAL;
      standin.hostSend(index, udpPacket(address, port, REMOTE.address, REMOTE.port, payload));
    },
    hostReceivedUdp: () => {
      const payloads: Uint8Array[] = [];
      for (;;) {
        const packet = standin.hostReceive(index);
        if (packet === undefined) return Promise.resolve(payloads);
        payloads.push(packet.subarray(payloadOffset(packet) + UDP_HEADER_BYTES));
      }
    },
    hostQueueHolds: (bytes) => Math.floor((RING_BYTES - 4) / (((bytes + 3) & ~3) + 4)),
    outside: {
      setUp: () => undefined,
      setMtu: (mtu) => standin.setMtu(index, mtu),
      remove: () => standin.remove(index),
    },
    close: () => link.close(),
  };
});
