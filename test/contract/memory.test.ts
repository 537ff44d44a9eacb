/** The contract against the in-process link. */

import { MemoryHost } from 'typetun/testing';
import { linkConfig } from '../support/link-use.ts';
import { linkContract } from './link-contract.ts';

const REMOTE = { address: '10.7.0.2', port: 5000 };

linkContract('memory', async (change) => {
  const host = new MemoryHost();
  const config = { ...linkConfig, ...change };
  const link = await host.provider().open(config);
  link.setMediaConnected(true);
  let received: Uint8Array[] = [];
  const socket = host.bindUdp(4000, ({ data }) => received.push(data));
  return {
    link,
    config,
    local: { address: '10.7.0.1', port: socket.port },
    remote: REMOTE,
    hostSendUdp: (payload) => {
      socket.send(payload, REMOTE.address, REMOTE.port);
    },
    hostReceivedUdp: () => {
      const payloads = received;
      received = [];
      return Promise.resolve(payloads);
    },
    outside: {
      setUp: (up) => host.setUp(up),
      setMtu: (mtu) => host.setMtu(mtu),
      remove: () => host.removeDevice(),
    },
    close: () => link.close(),
  };
});
