/**
 * The link contract as a normal user: a program that test/kernel/user-contract.test.ts starts in a network
 * namespace. Each subject attaches to a persistent TUN which the test, as root, makes for it on request.
 * Arguments: offload, `name` or `fd` (how it attaches).
 */

import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { after } from 'node:test';
import type { ExistingDevice, Offload } from '#dist/link/link.js';
import { linuxLink } from '#dist/link/linux/provider.js';
import { openCloneDevice } from '#dist/link/linux/tun.js';
import { setInterface, TunFlag } from '#dist/link/linux/tun-requests.js';
import { linkContract } from '../../contract/link-contract.ts';
import { linkConfig } from '../../support/link-use.ts';
import { HostSocket, LOCAL, REMOTE } from './host-socket.ts';

const offload = process.argv[2] as Offload;
const by = process.argv[3]!;
const name = 'contract0';
assert.equal(process.getuid!(), 65_534);

/** Has the test run `ip` in the namespace, as root. */
async function ip(...command: string[]): Promise<void> {
  process.send!(command);
  const [error] = await new Promise<string[]>((resolve) => {
    process.once('message', (answer) => resolve(answer as string[]));
  });
  if (error !== undefined) throw new Error(error);
}

/** The device by name, or by a descriptor that was opened beforehand. */
function device(): ExistingDevice {
  if (by === 'name') return { name, queues: 1 };
  const fd = openCloneDevice();
  const flags = TunFlag.TUN | TunFlag.NO_PI | (offload === 'off' ? 0 : TunFlag.VNET_HDR);
  assert.equal(setInterface(fd, name, flags), name);
  return { fds: [fd] };
}

linkContract(
  'linux',
  async (change) => {
    const config = { ...linkConfig, name, offload, ...change };
    const { mtu, hostQueueLength } = config;
    await ip('tuntap', 'add', name, 'mode', 'tun', 'user', '65534');
    await ip('link', 'set', name, 'addrgenmode', 'none', 'mtu', String(mtu));
    await ip('link', 'set', name, 'up', 'txqueuelen', String(hostQueueLength));
    for (const address of config.addresses) await ip('addr', 'add', address, 'dev', name);
    const found = device();
    const link = await linuxLink().attach!({
      device: found,
      netns: undefined,
      addresses: undefined,
      mtu: undefined,
      routes: undefined,
      ipv6LinkLocal: undefined,
      hostQueueLength: undefined,
      offload: config.offload,
      engine: config.engine,
    });
    if ('fds' in found) for (const fd of found.fds) closeSync(fd);
    assert.equal(link.capabilities.offload, offload);
    link.setMediaConnected(true);
    const host = new HostSocket([]);
    await host.answer();
    return {
      link,
      config,
      local: LOCAL,
      remote: REMOTE,
      hostSendUdp: (payload) => host.send(payload),
      hostReceivedUdp: (atLeast) => host.received(atLeast),
      mayConfigure: false,
      outside: {
        setUp: (up) => ip('link', 'set', name, up ? 'up' : 'down'),
        setMtu: (mtu) => ip('link', 'set', name, 'mtu', String(mtu)),
        remove: () => ip('link', 'del', name),
      },
      close: async () => {
        await host.close();
        await link.close();
        // It outlives the link, but for the test that removed it.
        await ip('link', 'del', name).catch(() => {});
      },
    };
  },
  ` ${offload}, attached by ${by}, as a normal user`,
);

// The channel keeps the process alive as long as there are tests.
after(() => process.disconnect());
