/**
 * A packet socket on one network interface of whatever program: a copy of every IP packet that goes out of it or
 * comes in, and a way to send some out of it. Linux, with CAP_NET_RAW.
 *
 * Source: packet(7), socket(7), recvmsg(2); linux/if_packet.h, asm-generic/socket.h; layouts of 64-bit Linux.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { addressOf } from './address.ts';
import { Errno, errnoName, libc, syscallError } from './libc.ts';
import { inNetworkNamespace } from './namespaces.ts';
import {
  EtherType,
  LINK_ADDRESS_BYTES,
  linkAddress,
  packetDrops,
  unboundPacketSocket,
} from './packet-socket.ts';
import { type Watch, watchReadable } from './poll.ts';

const ETH_P_ALL = 3;
const PACKET_OUTGOING = 4;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
/** `SO_TIMESTAMPNS`, and the type of the message that it makes. */
const SO_TIMESTAMPNS = 35;
const MSG_TRUNC = 0x20;

const ADDRESS_PROTOCOL = 2;
const ADDRESS_PACKET_TYPE = 10;

/**
 * `struct msghdr` and what it points to, one after the other in one piece of memory, but for the packet: the FFI
 * package takes the longer the more it is handed.
 */
const MESSAGE_NAME_BYTES = 8;
const MESSAGE_IOV = 16;
const MESSAGE_IOV_COUNT = 24;
const MESSAGE_CONTROL = 32;
const MESSAGE_CONTROL_BYTES = 40;
const IOVEC_AT = 56;
const IOVEC_LENGTH = 8;
const ADDRESS_AT = 72;
const CONTROL_AT = 96;
/** Room for a time (a header of 16 bytes, and two words) and what else may come. */
const CONTROL_BYTES = 64;
const CONTROL_LEVEL = 8;
const CONTROL_TYPE = 12;
const CONTROL_DATA = 16;
const WORD_BYTES = 8;
const TIME_BYTES = 16;
const MESSAGE_BYTES: number = CONTROL_AT + CONTROL_BYTES;

/** Any packet: what an IP packet may have, and then some. */
const LARGEST_PACKET_BYTES = 0x10000;
/** Bytes the kernel may queue for us: a quarter of a second at 1 Gbit/s. Bookkeeping included. */
const RECEIVE_BUFFER_BYTES = 64 * 1024 * 1024;
/** Packets taken before other work of the thread gets its turn. */
const PACKETS_PER_TURN = 1024;
/** What the kernel has queued at most, small packets that are: more has come meanwhile. */
const PACKETS_IN_ALL = 0x10000;
const US_PER_SECOND = 1e6;
const NS_PER_US = 1000;
const VERSION_SHIFT = 4;

/** A packet, valid during the call that hands it over: `bytes` is used again. */
export interface InterfacePacket {
  readonly bytes: Uint8Array;
  readonly offset: number;
  /** Bytes that are there, and that the packet has. */
  readonly size: number;
  readonly original: number;
  /** It left the host by this interface. */
  readonly outbound: boolean;
  /** Microseconds of the Unix epoch: when the kernel saw it. */
  readonly microseconds: number;
}

/** Told from the event loop. Must not throw. */
export interface PacketListener {
  packet(packet: InterfacePacket): void;
  /** The interface is gone, or the socket failed: nothing comes any more. */
  ended(reason: TunError): void;
}

export class InterfaceSocket {
  readonly #fd: number;
  readonly #name: string;
  readonly #netns: string | undefined;
  readonly #index: number;
  readonly #message = new Uint8Array(MESSAGE_BYTES);
  readonly #view = new DataView(this.#message.buffer);
  readonly #packet = {
    bytes: new Uint8Array(LARGEST_PACKET_BYTES),
    offset: 0,
    size: 0,
    original: 0,
    outbound: false,
    microseconds: 0,
  };
  #watch: Watch | undefined;
  #listener: PacketListener | undefined;
  #closed: Promise<void> | undefined;

  /**
   * Opens one on the interface `name`, in the network namespace `netns`. It takes packets from now on, as far as
   * {@link listen} is called before long.
   *
   * @throws TunError `NOT_FOUND`, `NO_PRIVILEGE`, `NETNS`, `SYSCALL`, `NO_FFI`.
   */
  static open(name: string, netns?: string): InterfaceSocket {
    return inNetworkNamespace(netns, () => {
      const index = libc().ifNameToIndex(name);
      if (index === 0) throw notFound(name, netns);
      const fd = unboundPacketSocket();
      if (fd < 0) throw notAllowed(name, libc().errno());
      try {
        return new InterfaceSocket(fd, name, netns, index);
      } catch (error) {
        libc().close(fd);
        throw error;
      }
    });
  }

  private constructor(fd: number, name: string, netns: string | undefined, index: number) {
    this.#fd = fd;
    this.#name = name;
    this.#netns = netns;
    this.#index = index;
    this.#prepareMessage();
    // Root may have more than net.core.rmem_max; who may not goes on with what there is.
    this.#set(SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES);
    this.#set(SO_TIMESTAMPNS, 1);
    const address = this.#address(ETH_P_ALL);
    if (libc().bind(fd, address, address.length) < 0) {
      throw syscallError('bind', libc().errno(), `listen on the interface "${name}"`);
    }
  }

  /** Hands packets over from now on. Once. Does not keep the event loop alive. */
  listen(listener: PacketListener): void {
    this.#listener = listener;
    this.#watch = watchReadable(this.#fd, () => this.#drain(PACKETS_PER_TURN));
    this.#watch.start();
  }

  /** Hands over what the kernel has by now. */
  flush(): void {
    this.#drain(PACKETS_IN_ALL);
  }

  /** Packets that the kernel had no room for since this was last asked. */
  takeDrops(): number {
    return packetDrops(this.#fd);
  }

  /**
   * Sends a packet out of the interface, as the host would. False when the interface takes no more now.
   *
   * @throws TunError `SYSCALL` for what it does not take at all.
   */
  send(packet: Uint8Array): boolean {
    const version = packet[0]! >>> VERSION_SHIFT;
    const address = this.#address(version === 4 ? EtherType.IPV4 : EtherType.IPV6);
    const c = libc();
    if (c.sendto(this.#fd, packet, packet.length, 0, address, address.length) >= 0) return true;
    const errno = c.errno();
    if (errno === Errno.EAGAIN || errno === Errno.ENOBUFS) return false;
    throw syscallError(
      'sendto',
      errno,
      `send a packet of ${packet.length} bytes out of "${this.#name}"`,
    );
  }

  /** Nothing is handed over after this. Safe to call twice. */
  close(): Promise<void> {
    this.#closed ??= this.#release();
    return this.#closed;
  }

  async #release(): Promise<void> {
    this.#listener = undefined;
    this.#watch?.stop();
    await this.#watch?.close();
    libc().close(this.#fd);
  }

  #drain(most: number): void {
    const c = libc();
    for (let taken = 0; taken < most && this.#listener !== undefined; taken++) {
      this.#view.setUint32(MESSAGE_NAME_BYTES, LINK_ADDRESS_BYTES, HOST_LITTLE_ENDIAN);
      this.#view.setUint32(MESSAGE_CONTROL_BYTES + LOW_WORD, CONTROL_BYTES, HOST_LITTLE_ENDIAN);
      const original = c.recvmsg(this.#fd, this.#message, MSG_TRUNC);
      if (original >= 0) {
        this.#receive(original);
        continue;
      }
      const errno = c.errno();
      if (errno === Errno.EINTR) continue;
      // An interface that was set down tells once, and goes on when it is up again.
      if (errno === Errno.ENETDOWN && this.#isThere()) continue;
      if (errno !== Errno.EAGAIN) this.#end(errno);
      return;
    }
  }

  #receive(original: number): void {
    // In network order, as the constants are here.
    const protocol = this.#view.getUint16(ADDRESS_AT + ADDRESS_PROTOCOL, false);
    if (original === 0 || (protocol !== EtherType.IPV4 && protocol !== EtherType.IPV6)) return;
    const packet = this.#packet;
    packet.size = Math.min(original, LARGEST_PACKET_BYTES);
    packet.original = original;
    packet.outbound = this.#message[ADDRESS_AT + ADDRESS_PACKET_TYPE] === PACKET_OUTGOING;
    packet.microseconds = this.#time();
    this.#listener?.packet(packet);
  }

  /** When the kernel saw the packet; now, if it does not say. */
  #time(): number {
    const view = this.#view;
    const length = view.getUint32(MESSAGE_CONTROL_BYTES + LOW_WORD, HOST_LITTLE_ENDIAN);
    const isTime =
      length >= CONTROL_DATA + TIME_BYTES &&
      view.getInt32(CONTROL_AT + CONTROL_LEVEL, HOST_LITTLE_ENDIAN) === SOL_SOCKET &&
      view.getInt32(CONTROL_AT + CONTROL_TYPE, HOST_LITTLE_ENDIAN) === SO_TIMESTAMPNS;
    if (!isTime) return Date.now() * NS_PER_US;
    const at = CONTROL_AT + CONTROL_DATA;
    // Seconds below 2^32 until the year 2106; no BigInt for each packet.
    const seconds = view.getUint32(at + LOW_WORD, HOST_LITTLE_ENDIAN);
    const nanoseconds = view.getUint32(at + WORD_BYTES + LOW_WORD, HOST_LITTLE_ENDIAN);
    return seconds * US_PER_SECOND + Math.floor(nanoseconds / NS_PER_US);
  }

  #isThere(): boolean {
    const index = inNetworkNamespace(this.#netns, () => libc().ifNameToIndex(this.#name));
    return index === this.#index;
  }

  #end(errno: number): void {
    this.#watch?.stop();
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.ended(
      errno === Errno.ENETDOWN
        ? new TunError(TunErrorCode.ADAPTER_REMOVED, `the interface "${this.#name}" is gone`)
        : syscallError('recvmsg', errno, `capture on "${this.#name}"`),
    );
  }

  #address(protocol: number): Uint8Array {
    return linkAddress(this.#index, protocol, new Uint8Array(0));
  }

  #set(option: number, value: number): void {
    const bytes = new Uint8Array(Int32Array.of(value).buffer);
    libc().setsockopt(this.#fd, SOL_SOCKET, option, bytes, bytes.length);
  }

  #prepareMessage(): void {
    const base = addressOf(this.#message);
    this.#word(0, base + ADDRESS_AT);
    this.#word(MESSAGE_IOV, base + IOVEC_AT);
    this.#word(MESSAGE_IOV_COUNT, 1);
    this.#word(MESSAGE_CONTROL, base + CONTROL_AT);
    this.#word(MESSAGE_CONTROL_BYTES, CONTROL_BYTES);
    this.#word(IOVEC_AT, addressOf(this.#packet.bytes));
    this.#word(IOVEC_AT + IOVEC_LENGTH, LARGEST_PACKET_BYTES);
  }

  #word(at: number, value: number): void {
    this.#view.setBigUint64(at, BigInt(value), HOST_LITTLE_ENDIAN);
  }
}

/** Where the low half of a 64-bit word lies. */
const LOW_WORD: number = HOST_LITTLE_ENDIAN ? 0 : WORD_BYTES / 2;

function notFound(name: string, netns: string | undefined): TunError {
  const where = netns === undefined ? '' : ` in the network namespace "${netns}"`;
  return new TunError(
    TunErrorCode.NOT_FOUND,
    `there is no interface "${name}"${where}; "ip link" shows those there are`,
  );
}

function notAllowed(name: string, errno: number): TunError {
  if (errno !== Errno.EPERM && errno !== Errno.EACCES) {
    return syscallError('socket', errno, `open a packet socket for "${name}"`);
  }
  return new TunError(
    TunErrorCode.NO_PRIVILEGE,
    `packets of the interface "${name}" may not be looked at: a packet socket is ${errnoName(errno)}; run as root, or with CAP_NET_RAW`,
    { syscall: 'socket', errno },
  );
}
