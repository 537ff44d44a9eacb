/** The link contract against the kernel's TUN, each subject in a network namespace of its own. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linuxLink } from '#dist/link/linux/provider.js';
import { linkContract } from '../contract/link-contract.ts';
import type { MakeSubject } from '../contract/subject.ts';
import { linkConfig } from '../support/link-use.ts';
import { HostSocket, LOCAL, REMOTE } from './support/host-socket.ts';
import { addNetns, deleteNetns, ip, rootSkip } from './support/netns.ts';

const skip = rootSkip();
if (skip !== false) {
  test('the link contract against the kernel', { skip }, () => assert.fail('skipped'));
} else {
  // What `auto` comes to depends on the kernel: test/unit/os/write-ring.test.ts says to what.
  for (const [offload, engine] of [
    ['split', 'auto'],
    ['carry', 'auto'],
    ['off', 'auto'],
    ['split', 'syscalls'],
    ['off', 'syscalls'],
  ] as const) {
    const make: MakeSubject = async (change) => {
      const netns = await addNetns();
      const name = 'contract0';
      const config = { ...linkConfig, name, offload, engine, ...change, netns };
      const link = await linuxLink().open(config);
      assert.equal(link.capabilities.offload, offload);
      link.setMediaConnected(true);
      const host = new HostSocket(['ip', 'netns', 'exec', netns]);
      await host.answer();
      return {
        link,
        config,
        local: LOCAL,
        remote: REMOTE,
        hostSendUdp: (payload) => host.send(payload),
        hostReceivedUdp: (atLeast) => host.received(atLeast),
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
          await deleteNetns(netns);
        },
      };
    };
    linkContract('linux', make, ` ${offload} ${engine}`);
  }
}
