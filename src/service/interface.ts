/**
 * What the host asks of a network interface by itself: to remove it, to take it down, what it counted.
 *
 * Source: rtnetlink(7); linux/rtnetlink.h, linux/if_link.h, linux/if.h. All numbers are from there.
 */

import { inNetworkNamespace } from '../os/namespaces.ts';
import { MessageBuilder } from '../os/netlink-builder.ts';
import { MessageFlag } from '../os/netlink-format.ts';
import { NetlinkSocket } from '../os/netlink-socket.ts';
import { watchReadable } from '../os/poll.ts';
import type { InterfaceStatistics } from './control-protocol.ts';

/** Notifications of interfaces. */
const RTMGRP_LINK = 1;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
/** `struct ifinfomsg`: its length, and where index, flags and the mask of flags are. */
const BODY_BYTES = 16;
const INDEX_OFFSET = 4;
const FLAGS_OFFSET = 8;
const CHANGE_OFFSET = 12;
const IFF_UP = 0x1;
const IFLA_STATS64 = 23;
/** Bytes of one counter; and in what order they are in `struct rtnl_link_stats64`. */
const COUNTER_BYTES = 8;
const COUNTERS = [
  'rxPackets',
  'txPackets',
  'rxOctets',
  'txOctets',
  'rxErrors',
  'txErrors',
  'rxDropped',
  'txDropped',
] as const;

/** An interface, by its index in a network namespace. */
export interface InterfaceReference {
  readonly index: number;
  readonly netns: string | undefined;
}

/** Removes it. Throws NetlinkRefusal when the kernel says no. */
export function removeInterface(of: InterfaceReference): void {
  request(of, RTM_DELLINK);
}

/** Takes it up or down. Down, the kernel forgets its routes and, as a rule, its IPv6 addresses. */
export function setInterfaceUp(of: InterfaceReference, up: boolean): void {
  request(of, RTM_SETLINK, (message) => {
    message.u32(FLAGS_OFFSET, up ? IFF_UP : 0).u32(CHANGE_OFFSET, IFF_UP);
  });
}

/** What the kernel has counted since the interface was made. */
export function readInterfaceStatistics(of: InterfaceReference): InterfaceStatistics {
  const attributes = request(of, RTM_GETLINK)[0]?.attributes(BODY_BYTES);
  const count = (name: (typeof COUNTERS)[number]): number =>
    attributes?.u64(IFLA_STATS64, COUNTERS.indexOf(name) * COUNTER_BYTES) ?? 0;
  return {
    out: {
      packets: count('txPackets'),
      octets: count('txOctets'),
      errors: count('txErrors'),
      dropped: count('txDropped'),
    },
    in: {
      packets: count('rxPackets'),
      octets: count('rxOctets'),
      errors: count('rxErrors'),
      dropped: count('rxDropped'),
    },
  };
}

/**
 * Calls `onRemoved` once, from the event loop, when somebody has removed it. Resolves to a function that ends the
 * watch; it never keeps the event loop alive.
 */
export function watchRemoval(of: InterfaceReference, onRemoved: () => void): () => Promise<void> {
  const socket = inNetworkNamespace(of.netns, () => NetlinkSocket.open(RTMGRP_LINK));
  const watch = watchReadable(socket.fd, () => {
    socket.receive();
    if (isThere(of)) return;
    watch.stop();
    onRemoved();
  });
  watch.start();
  return async () => {
    await watch.close();
    socket.close();
  };
}

function isThere(of: InterfaceReference): boolean {
  try {
    readInterfaceStatistics(of);
    return true;
  } catch {
    return false;
  }
}

function request(
  { index, netns }: InterfaceReference,
  type: number,
  fill: (message: MessageBuilder) => void = () => undefined,
): ReturnType<NetlinkSocket['request']> {
  const message = new MessageBuilder(type, MessageFlag.REQUEST | MessageFlag.ACK, BODY_BYTES);
  message.u32(INDEX_OFFSET, index);
  fill(message);
  using socket = inNetworkNamespace(netns, () => NetlinkSocket.open());
  return socket.request(message.finish());
}
