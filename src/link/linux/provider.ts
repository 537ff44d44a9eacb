/**
 * Opens the Linux kernel's link: makes the TUN device, configures it, and undoes it all on failure; or
 * attaches to one that exists (attach.ts).
 */

import { closeSync } from 'node:fs';
import { TunError, TunErrorCode } from '../../errors.ts';
import { libc, syscallError } from '../../os/libc.ts';
import { inNetworkNamespace } from '../../os/namespaces.ts';
import { NetlinkSocket } from '../../os/netlink-socket.ts';
import { poller } from '../../os/poll.ts';
import type { Link, LinkConfig, LinkProvider } from '../link.ts';
import { attachToDevice } from './attach.ts';
import { configureDevice } from './configure.ts';
import { LinuxControl } from './control.ts';
import { LinkEventReader } from './events.ts';
import { LinuxLink } from './linux-link.ts';
import { createTun, type Tun } from './tun.ts';
import { requireEngine } from './tun-link.ts';
import { TunMemory } from './tun-memory.ts';
import { setPersistent } from './tun-requests.ts';

/** The kernel's TUN driver as a link provider. */
export function linuxLink(): LinkProvider {
  return {
    name: 'linux',
    open: (config) =>
      new Promise((resolve) => {
        // Before the namespace is entered, or a thread of ours would keep it alive.
        poller().prepare();
        requireEngine(config.engine);
        resolve(inNetworkNamespace(config.netns, () => openInNamespace(config)));
      }),
    attach: (config) =>
      new Promise((resolve) => {
        poller().prepare();
        requireEngine(config.engine);
        resolve(attachToDevice(config));
      }),
  };
}

/** Synchronous from end to end: the thread is in the target namespace meanwhile. */
function openInNamespace(config: LinkConfig): Link {
  const tun = openTun(config);
  const opened: { close(): void }[] = tun.fds.map((fd) => ({ close: () => closeSync(fd) }));
  try {
    const index = libc().ifNameToIndex(tun.name);
    if (index === 0) {
      throw new TunError(
        TunErrorCode.ADAPTER_REMOVED,
        `the interface "${tun.name}" disappeared while it was being set up; does another program manage it?`,
      );
    }
    const socket = NetlinkSocket.open();
    opened.push(socket);
    const events = LinkEventReader.open(index, socket);
    opened.push(events);
    const shared = new TunMemory();
    const info = configureDevice(socket, index, config);
    const { hostQueueLength, engine } = config;
    const setUp = { info, own: config, hostQueueLength };
    const control = new LinuxControl(index, setUp, socket, events, shared);
    const { segmentation } = tun;
    const headers = segmentation.length > 0;
    const offload = headers ? config.offload : 'off';
    const passage = {
      medium: 'tun',
      offload,
      headers,
      segmentation,
      engine,
      events: true,
    } as const;
    if (config.persist && !setPersistent(tun.fds[0]!, true)) {
      throw syscallError('ioctl(TUNSETPERSIST)', libc().errno(), `make "${tun.name}" persistent`);
    }
    return new LinuxLink(tun.fds, control, shared, passage, config.persist ? 'persist' : 'remove');
  } catch (error) {
    for (const one of opened.reverse()) one.close();
    throw error;
  }
}

/**
 * Makes the device, with offload if that is wanted and the kernel has any.
 *
 * @throws TunError `UNSUPPORTED` when super-packets are to be carried and the kernel has none.
 */
function openTun({ name, offload, queues, persist, owner: wanted, group }: LinkConfig): Tun {
  // One that stays and is nobody's could be opened by everybody.
  const ownerless = wanted === undefined && group === undefined;
  const owner = persist && ownerless ? process.geteuid?.() : wanted;
  const options = { name, queues, owner, group };
  if (offload === 'off') return createTun(options);
  const tun = createTun({ ...options, offload: true });
  if (tun.segmentation.length > 0) return tun;
  for (const fd of tun.fds) closeSync(fd);
  if (offload === 'split') return createTun(options);
  throw new TunError(
    TunErrorCode.UNSUPPORTED,
    "offload is 'carry', but this kernel's TUN driver hands over no super-packets; leave it out, or say 'off'",
  );
}
