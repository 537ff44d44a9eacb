/**
 * Packet sockets: what an Ethernet interface receives, and what it sends, without the Ethernet headers
 * (`SOCK_DGRAM`). Made for the far end of a veth pair (link/linux/veth.ts).
 *
 * ```
 *  struct sockaddr_ll, 20 bytes
 *  0        2          4       8          10     11       12        20
 * +--------+----------+-------+----------+------+--------+---------+
 * | family | protocol | index | hardware | type | length | address |
 * |        | (network)|       | type     |      |        |         |
 * +--------+----------+-------+----------+------+--------+---------+
 * ```
 *
 * Source: packet(7), socket(7), netdevice(7); numbers from linux/if_packet.h, linux/if_ether.h,
 * linux/if_arp.h, asm-generic/socket.h, linux/sockios.h.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { closeOwned, ownedByThread } from './descriptors.ts';
import { Errno, errnoName, libc, syscallError } from './libc.ts';
import { Ancillary, attachFilter, Bpf, type Instruction, WHOLE_MESSAGE } from './socket-filter.ts';

const AF_PACKET = 17;
const SOCK_DGRAM = 2;
/** `SOCK_NONBLOCK | SOCK_CLOEXEC`. */
const SOCK_FLAGS = 0o2004000;
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_RCVBUF = 8;
const SO_DOMAIN = 39;
const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;
const PACKET_QDISC_BYPASS = 20;
/** Bytes of the C `int` that a socket option takes; of `struct tpacket_stats`, and where its drops are. */
const INT_BYTES = 4;
const MAX_INT = 2 ** 31 - 1;
const STATISTICS_BYTES = 8;
const STATISTICS_DROPS = 4;

/** Every protocol, to `bind` alone. */
const ETH_P_ALL = 0x0003;
/** What an Ethernet header calls the two protocols. */
export const EtherType = { IPV4: 0x0800, IPV6: 0x86dd } as const;
/** Of a packet that this side sends itself. */
const PACKET_OUTGOING = 4;
const ARPHRD_ETHER = 1;

const PROTOCOL_OFFSET = 2;
const INDEX_OFFSET = 4;
const HARDWARE_TYPE_OFFSET = 8;
const LENGTH_OFFSET = 11;
const ADDRESS_OFFSET = 12;
/** `struct sockaddr_ll`. */
export const LINK_ADDRESS_BYTES = 20;

const SIOCGIFNAME = 0x8910;
/** Bytes of `struct ifreq`, and where behind the name the index lies. */
const IFREQ_BYTES = 40;
const IFREQ_INDEX_OFFSET = 16;

/**
 * What is no IP packet, or has a VLAN tag, arrives as its first byte alone: too short for a packet, so
 * that it is counted as unreadable in place of being dropped unseen. What goes out is not for us.
 */
const FILTER: readonly Instruction[] = [
  [Bpf.LOAD_WORD, 0, Ancillary.PACKET_TYPE],
  [Bpf.JUMP_UNLESS_EQUAL, 1, PACKET_OUTGOING],
  [Bpf.RETURN, 0, 0],
  [Bpf.LOAD_WORD, 0, Ancillary.VLAN_TAG_PRESENT],
  [Bpf.JUMP_UNLESS_EQUAL, 5, 0],
  [Bpf.LOAD_WORD, 0, Ancillary.PROTOCOL],
  [Bpf.JUMP_UNLESS_EQUAL, 1, EtherType.IPV4],
  [Bpf.RETURN, 0, WHOLE_MESSAGE],
  [Bpf.JUMP_UNLESS_EQUAL, 1, EtherType.IPV6],
  [Bpf.RETURN, 0, WHOLE_MESSAGE],
  [Bpf.RETURN, 0, 1],
];

/** What a packet socket is bound to. */
export interface PacketBinding {
  /** Whether it is one without Ethernet headers. */
  readonly headless: boolean;
  /** Of the interface; 0 when it is bound to none, below 0 when that is gone. */
  readonly index: number;
  readonly isEthernet: boolean;
  /** Of the interface. */
  readonly address: Uint8Array;
}

/**
 * A socket that gets what the interface `index` of the thread's present network namespace receives, one
 * IP packet each time it is read. Not blocking, and closed on exec. `queueBytes` of memory hold what
 * waits, with what the kernel needs beside the bytes; less where `net.core.rmem_max` is lower.
 *
 * @throws TunError `NO_DRIVER` when this kernel has no packet sockets, `NO_PRIVILEGE`, `SYSCALL`.
 */
export function openPacketSocket(index: number, queueBytes: number): number {
  const opened = unboundPacketSocket();
  if (opened < 0) throw openError(libc().errno());
  const fd = ownedByThread(opened);
  try {
    if (!attachFilter(fd, FILTER)) {
      throw syscallError('setsockopt', libc().errno(), 'set the filter of a packet socket');
    }
    // Past the queue of the interface, which takes packets for sent that it throws away without carrier.
    setOption(fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
    setQueueBytes(fd, queueBytes);
    const address = linkAddress(index, ETH_P_ALL, new Uint8Array(0));
    if (libc().bind(fd, address, LINK_ADDRESS_BYTES) === 0) return fd;
    throw syscallError('bind', libc().errno(), 'bind a packet socket');
  } catch (error) {
    closeOwned(fd);
    throw error;
  }
}

/**
 * A packet socket without Ethernet headers, not blocking and closed on exec; below 0 when there is none: see
 * `errno`. Of no protocol, or it would get what all interfaces receive until it is bound.
 */
export function unboundPacketSocket(): number {
  return libc().socket(AF_PACKET, SOCK_DGRAM | SOCK_FLAGS, 0);
}

/** See {@link openPacketSocket}. */
export function setQueueBytes(fd: number, bytes: number): void {
  // The kernel takes it for the packets alone, and doubles it.
  setOption(fd, SOL_SOCKET, SO_RCVBUF, Math.min(Math.ceil(bytes / 2), MAX_INT));
}

/** What the socket is bound to; undefined when the descriptor is no packet socket. */
export function packetBinding(fd: number): PacketBinding | undefined {
  if (option(fd, SO_DOMAIN) !== AF_PACKET) return undefined;
  const bytes = new Uint8Array(LINK_ADDRESS_BYTES);
  const length = new Uint8Array(Uint32Array.of(LINK_ADDRESS_BYTES).buffer);
  if (libc().getsockname(fd, bytes, length) < 0) return undefined;
  const view = new DataView(bytes.buffer);
  return {
    headless: option(fd, SO_TYPE) === SOCK_DGRAM,
    index: view.getInt32(INDEX_OFFSET, HOST_LITTLE_ENDIAN),
    isEthernet: view.getUint16(HARDWARE_TYPE_OFFSET, HOST_LITTLE_ENDIAN) === ARPHRD_ETHER,
    address: bytes.subarray(ADDRESS_OFFSET, ADDRESS_OFFSET + bytes[LENGTH_OFFSET]!),
  };
}

/** The name of the interface with this index where the socket is; undefined when there is none. */
export function interfaceNameAt(fd: number, index: number): string | undefined {
  const request = Buffer.alloc(IFREQ_BYTES);
  new DataView(request.buffer, request.byteOffset).setInt32(
    IFREQ_INDEX_OFFSET,
    index,
    HOST_LITTLE_ENDIAN,
  );
  if (libc().ioctl(fd, SIOCGIFNAME, request) < 0) return undefined;
  return request.toString('latin1', 0, request.indexOf(0));
}

/** Packets that the socket had no room for since this was last asked, by whoever has the socket. */
export function packetDrops(fd: number): number {
  const statistics = new Uint8Array(STATISTICS_BYTES);
  const length = new Uint8Array(Uint32Array.of(STATISTICS_BYTES).buffer);
  if (libc().getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, statistics, length) < 0) return 0;
  return new DataView(statistics.buffer).getUint32(STATISTICS_DROPS, HOST_LITTLE_ENDIAN);
}

/** A `struct sockaddr_ll`: where a packet of that protocol is to go. */
export function linkAddress(index: number, protocol: number, address: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LINK_ADDRESS_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_PACKET, HOST_LITTLE_ENDIAN);
  view.setUint16(PROTOCOL_OFFSET, protocol, false);
  view.setInt32(INDEX_OFFSET, index, HOST_LITTLE_ENDIAN);
  bytes[LENGTH_OFFSET] = address.length;
  bytes.set(address, ADDRESS_OFFSET);
  return bytes;
}

function setOption(fd: number, level: number, name: number, value: number): void {
  const bytes = new Uint8Array(Int32Array.of(value).buffer);
  if (libc().setsockopt(fd, level, name, bytes, INT_BYTES) === 0) return;
  throw syscallError('setsockopt', libc().errno(), 'set up a packet socket');
}

/** Undefined when the descriptor is no socket. */
function option(fd: number, name: number): number | undefined {
  const value = new Uint8Array(INT_BYTES);
  const length = new Uint8Array(Uint32Array.of(INT_BYTES).buffer);
  if (libc().getsockopt(fd, SOL_SOCKET, name, value, length) < 0) return undefined;
  return new DataView(value.buffer).getInt32(0, HOST_LITTLE_ENDIAN);
}

function openError(errno: number): TunError {
  const details = { syscall: 'socket', errno };
  if (errno === Errno.EPERM || errno === Errno.EACCES) {
    return new TunError(
      TunErrorCode.NO_PRIVILEGE,
      `a packet socket takes CAP_NET_RAW in its network namespace (${errnoName(errno)}); run as root, or in a user namespace of your own`,
      details,
    );
  }
  if (errno === Errno.EAFNOSUPPORT) {
    return new TunError(
      TunErrorCode.NO_DRIVER,
      'this kernel has no packet sockets; load the driver ("modprobe af_packet")',
      details,
    );
  }
  return syscallError('socket', errno, 'open a packet socket');
}
