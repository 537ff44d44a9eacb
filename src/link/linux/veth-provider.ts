/** Opens a link over a veth pair: makes the pair, configures the device, and undoes it all on failure. */

import { TunError, TunErrorCode } from '../../errors.ts';
import { closeOwned } from '../../os/descriptors.ts';
import { inNetworkNamespace } from '../../os/namespaces.ts';
import { NetlinkSocket } from '../../os/netlink-socket.ts';
import { poller } from '../../os/poll.ts';
import type { Link, LinkConfig, LinkProvider } from '../link.ts';
import { configureDevice } from './configure.ts';
import { LinuxControl } from './control.ts';
import { LinkEventReader } from './events.ts';
import { LinuxLink } from './linux-link.ts';
import type { Passage } from './tun-link.ts';
import { TunMemory } from './tun-memory.ts';
import { makeVeth, queueBytesFor, removePair } from './veth.ts';
import { VethControl } from './veth-control.ts';

/** How packets pass, but for whether others' changes are seen: one by one, whole, by system calls. */
export const VETH_PASSAGE: Omit<Passage, 'events'> = {
  medium: 'veth',
  offload: 'off',
  headers: false,
  segmentation: [],
  engine: 'syscalls',
};

/** A veth pair and a packet socket as a link provider. */
export function vethLink(): LinkProvider {
  return {
    name: 'veth',
    open: (config) =>
      new Promise((resolve) => {
        refuseWhatItHasNot(config);
        // Before a namespace is entered, or a thread of ours would keep it alive.
        poller().prepare();
        resolve(inNetworkNamespace(config.netns, () => openInNamespace(config)));
      }),
  };
}

/** Synchronous from end to end: the thread is in the target namespace meanwhile. */
function openInNamespace(wanted: LinkConfig): Link {
  const config: LinkConfig = { ...wanted, offload: 'off' };
  const { name, mtu, hostQueueLength } = config;
  const socket = NetlinkSocket.open();
  const opened: { close(): void }[] = [socket];
  try {
    const queueBytes = queueBytesFor(hostQueueLength, mtu);
    const { fd, index } = makeVeth(socket, { name, queueBytes });
    opened.push({ close: () => closeOwned(fd) }, { close: () => removePair(socket, index) });
    const events = LinkEventReader.open(index, socket);
    opened.push(events);
    const shared = new TunMemory();
    // The device goes with the last descriptor, but not at once: so it is always removed by request.
    shared.share();
    const info = configureDevice(socket, index, config);
    const setUp = { info, own: config, hostQueueLength };
    const device = new LinuxControl(index, setUp, socket, events, shared);
    const control = new VethControl(device, fd, hostQueueLength);
    return new LinuxLink([fd], control, shared, { ...VETH_PASSAGE, events: true }, 'remove');
  } catch (error) {
    for (const one of opened.reverse()) one.close();
    throw error;
  }
}

/** @throws TunError `UNSUPPORTED`. */
function refuseWhatItHasNot({ offload, persist, owner, group }: LinkConfig): void {
  if (offload === 'carry') throw nothingToCarry();
  if (!persist && owner === undefined && group === undefined) return;
  throw new TunError(
    TunErrorCode.UNSUPPORTED,
    "a veth pair goes with the program that made it; leave persist, owner and group out, or use the kernel's TUN (link: 'linux')",
  );
}

/** Super-packets are to be carried, and there are none. */
export function nothingToCarry(): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    "offload is 'carry', but over a veth pair no super-packets come; leave it out, or say 'off'",
  );
}
