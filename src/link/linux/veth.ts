/**
 * A network device without `/dev/net/tun`: a veth pair, of which the one end is the device, and a packet
 * socket on the other gets and sends its packets.
 *
 * ```
 *  network namespace of the device         another, which nobody else is in
 *  +------------------------------+       +------------------------------------+
 *  | addresses, routes, MTU: tun0 |=======| tun0, largest MTU, no address      |
 *  +------------------------------+ veth  |   packet socket <-> this program   |
 *                                         +------------------------------------+
 * ```
 *
 * - **The far end is in a namespace of its own**, which the socket alone keeps: closing the last descriptor
 *   of the socket removes the pair, as it does with a TUN, and nobody sees a second interface.
 * - **No neighbours**: with IFF_NOARP the kernel gives every packet the device's own Ethernet address. The
 *   far end has another, so that its stack takes the packets for somebody else's and does nothing.
 * - **Whole packets**: a veth would hand over super-packets and unfinished checksums; the device is told that
 *   it cannot (os/ethtool.ts).
 * - **The far end is recognised by its address**, which is the same for every pair: pairs never meet.
 */

import { closeSync } from 'node:fs';
import { TunError, TunErrorCode } from '../../errors.ts';
import { MAX_INTERFACE_NAME_BYTES } from '../../limits.ts';
import { finishPackets } from '../../os/ethtool.ts';
import { Errno, libc } from '../../os/libc.ts';
import { inNamespace, makeNetworkNamespace } from '../../os/namespaces.ts';
import { NetlinkRefusal } from '../../os/netlink-refusal.ts';
import { NetlinkSocket } from '../../os/netlink-socket.ts';
import { openPacketSocket } from '../../os/packet-socket.ts';
import { setAddressGeneration, setUp } from './configure.ts';
import { ask } from './refusals.ts';
import { deleteLink } from './rtnetlink-link.ts';
import { createVeth } from './rtnetlink-veth.ts';

/** Ethernet addresses of the two ends: locally administered ones (IEEE 802, bit 1 of the first byte). */
export const NEAR_ADDRESS: Uint8Array = Uint8Array.of(0x02, 0x74, 0x79, 0x70, 0x65, 0x00);
export const FAR_ADDRESS: Uint8Array = Uint8Array.of(0x02, 0x74, 0x79, 0x70, 0x65, 0x01);

/** The largest a veth takes (`ETH_MAX_MTU`): how long packets may be, the device alone decides. */
const FAR_MTU = 65_535;
/** Names that are tried where none was asked for. */
const NAMES = 4096;

/**
 * What the kernel reckons for a packet that waits, besides its bytes, at most: headroom and bookkeeping
 * (`struct skb_shared_info`, `struct sk_buff`); and that it rounds up to a power of two.
 */
const PACKET_OVERHEAD_BYTES = 512;
const PACKET_RECORD_BYTES = 256;

/** A pair as it was made. */
export interface Veth {
  /** The packet socket. Closing its last descriptor removes the pair. */
  readonly fd: number;
  /** The device, in the network namespace of the thread. */
  readonly name: string;
  readonly index: number;
}

/** What a pair is made with. */
export interface VethOptions {
  /** Interface name, or undefined for the next `tun%d` that is free. */
  readonly name: string | undefined;
  /** Bytes of memory for the packets that wait. */
  readonly queueBytes: number;
}

/**
 * Makes a pair, the device, which is down, in the present network namespace of the thread. `socket` is of
 * that, and stays the caller's.
 *
 * @throws TunError `NO_PRIVILEGE`, `NETNS`, `NO_DRIVER`, `NAME_TAKEN`, `CONFIGURATION`, `SYSCALL`.
 */
export function makeVeth(socket: NetlinkSocket, { name, queueBytes }: VethOptions): Veth {
  const namespace = makeNetworkNamespace();
  try {
    const chosen = name === undefined ? makeNext(socket, namespace) : name;
    if (name !== undefined) make(socket, name, namespace);
    try {
      finishPackets(chosen);
      const fd = inNamespace(namespace, `that of the far end of "${chosen}"`, () =>
        openFarEnd(chosen, queueBytes),
      );
      return { fd, name: chosen, index: libc().ifNameToIndex(chosen) };
    } catch (error) {
      removePair(socket, libc().ifNameToIndex(chosen));
      throw error;
    }
  } finally {
    closeSync(namespace);
  }
}

/** Memory that as many packets take while they wait, at most. */
export function queueBytesFor(packets: number, mtu: number): number {
  const largest = 2 ** Math.ceil(Math.log2(mtu + PACKET_OVERHEAD_BYTES));
  return packets * (largest + PACKET_RECORD_BYTES);
}

/** Makes it with the first name that is free, and returns that. */
function makeNext(socket: NetlinkSocket, namespace: number): string {
  for (let i = 0; i < NAMES; i++) {
    const name = `tun${i}`;
    if (libc().ifNameToIndex(name) !== 0) continue;
    try {
      make(socket, name, namespace);
      return name;
    } catch (error) {
      // Somebody else was faster.
      if (!(error instanceof TunError) || error.code !== TunErrorCode.NAME_TAKEN) throw error;
    }
  }
  throw nameTaken(`tun0" to "tun${NAMES - 1}`);
}

function make(socket: NetlinkSocket, name: string, namespace: number): void {
  const near = { name, address: NEAR_ADDRESS };
  const far = { name, address: FAR_ADDRESS, mtu: FAR_MTU, namespace };
  try {
    socket.request(createVeth(near, far));
  } catch (error) {
    if (error instanceof NetlinkRefusal && error.errno !== undefined) throw refused(error, name);
    throw error;
  }
}

/** In the far namespace: brings the end up, and opens the socket. */
function openFarEnd(name: string, queueBytes: number): number {
  const index = libc().ifNameToIndex(name);
  const socket = NetlinkSocket.open();
  try {
    setAddressGeneration(socket, index, false);
    // First: a socket on an interface that is down begins with an error in the place of a packet.
    setUp(socket, index, true);
    return openPacketSocket(index, queueBytes);
  } finally {
    socket.close();
  }
}

/** Removes the pair at once, by the index of its device; nothing happens when it is gone. */
export function removePair(socket: NetlinkSocket, index: number): void {
  try {
    ask(socket, deleteLink(index), { what: 'removing the device' });
  } catch {
    // It is gone, or goes with its namespace.
  }
}

function nameTaken(name: string, errno?: number): TunError {
  return new TunError(
    TunErrorCode.NAME_TAKEN,
    `the interface name "${name}" is taken; choose another, or leave the name out to get a free one`,
    { syscall: 'netlink', errno },
  );
}

function refused(cause: NetlinkRefusal, name: string): TunError {
  const { errno } = cause;
  const details = { syscall: 'netlink', errno, cause };
  if (errno === Errno.EEXIST) return nameTaken(name, errno);
  if (errno === Errno.EPERM) {
    return new TunError(
      TunErrorCode.NO_PRIVILEGE,
      'making a veth pair takes CAP_NET_ADMIN, which this process lacks; run as root, or in a user namespace of your own',
      details,
    );
  }
  if (errno === Errno.EOPNOTSUPP) {
    return new TunError(
      TunErrorCode.NO_DRIVER,
      'this kernel has no veth interfaces; load the driver ("modprobe veth", as root)',
      details,
    );
  }
  return new TunError(
    TunErrorCode.CONFIGURATION,
    `the kernel refused to make a veth pair named "${name}": ${cause.message}; a name has at most ${MAX_INTERFACE_NAME_BYTES} bytes`,
    details,
  );
}
