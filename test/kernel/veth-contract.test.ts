/**
 * The link contract against a veth pair and its packet socket, each subject in a network namespace of its
 * own: with the rights over its device, and attached to by the socket alone.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Link, LinkConfig } from '#dist/link/link.js';
import { linuxLink } from '#dist/link/linux/provider.js';
import { vethLink } from '#dist/link/linux/veth-provider.js';
import { linkContract } from '../contract/link-contract.ts';
import type { MakeSubject } from '../contract/subject.ts';
import { linkConfig, takePackets, until } from '../support/link-use.ts';
import { HostSocket, LOCAL, REMOTE } from './support/host-socket.ts';
import { addNetns, deleteNetns, ip, rootSkip } from './support/netns.ts';
import { queuedBytes, queueLimit } from './support/packet-socket.ts';

const skip = rootSkip();
const name = 'contract0';

/** The socket's descriptor. */
function fdOf(link: Link): number {
  const token = link.share();
  assert.equal(token.kind, 'linux');
  return token.fds[0]!;
}

/** The link that was made, or another on a descriptor of its socket. */
async function linkBy(how: 'made' | 'attached', made: Link, config: LinkConfig): Promise<Link> {
  if (how === 'made') return made;
  const { addresses, mtu, engine } = config;
  const { fds, release } = made.handOver!();
  const link = await linuxLink().attach!({
    device: { fds },
    netns: undefined,
    addresses,
    mtu,
    routes: undefined,
    ipv6LinkLocal: undefined,
    hostQueueLength: undefined,
    offload: config.offload,
    engine,
  });
  release();
  return link;
}

if (skip !== false) {
  test('the link contract against a veth pair', { skip }, () => assert.fail('skipped'));
} else {
  for (const how of ['made', 'attached'] as const) {
    const make: MakeSubject = async (change) => {
      const netns = await addNetns();
      const config = { ...linkConfig, name, ...change, netns };
      const made = await vethLink().open(config);
      const link = await linkBy(how, made, config);
      const host = new HostSocket(['ip', 'netns', 'exec', netns]);
      await host.answer();
      // How much the kernel reckons for a small packet, it says itself.
      const fd = fdOf(made);
      await host.send(new Uint8Array(10));
      assert.ok(await until(() => queuedBytes(fd) > 0));
      const holds = Math.ceil(queueLimit(fd) / queuedBytes(fd));
      takePackets(link);
      return {
        link,
        config,
        local: LOCAL,
        remote: REMOTE,
        hostSendUdp: (payload) => host.send(payload),
        hostReceivedUdp: (atLeast) => host.received(atLeast),
        hostQueueHolds: () => holds,
        mayConfigure: how === 'made',
        outside: {
          setUp: async (up) =>
            void (await ip('-n', netns, 'link', 'set', name, up ? 'up' : 'down')),
          setMtu: async (mtu) =>
            void (await ip('-n', netns, 'link', 'set', name, 'mtu', String(mtu))),
          remove: async () => void (await ip('-n', netns, 'link', 'del', name)),
        },
        close: async () => {
          await host.close();
          await link.close();
          await made.close();
          await deleteNetns(netns);
        },
      };
    };
    linkContract('veth', make, ` ${how}`);
  }
}
