/**
 * A socket that sends ICMP echo requests and receives the replies, by FFI: Node has none. Raw where
 * the process may (root, or CAP_NET_RAW), else the kernel's ICMP datagram socket, which any group in
 * `net.ipv4.ping_group_range` may open.
 *
 * Source: raw(7), icmp(7), ipv6(7); numbers from sys/socket.h and netinet/in.h of Linux.
 */

import { parseAddress } from '../wire/address.ts';
import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { checksum } from '../wire/checksum.ts';
import { errnoName, libc, syscallError } from './libc.ts';
import { type Watch, watchReadable } from './poll.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
/** `SOCK_NONBLOCK | SOCK_CLOEXEC`. */
const SOCK_FLAGS = 0o2004000;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
/** Asked for; the kernel gives what net.core.rmem_max allows. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** `struct sockaddr_in` and `struct sockaddr_in6`, and where the address lies in them. */
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN_ADDRESS = 4;
const SOCKADDR_IN6_BYTES = 28;
const SOCKADDR_IN6_ADDRESS = 8;

/** Echo messages: type, code, checksum, identifier, sequence number (RFC 792; RFC 4443, section 4). */
const ECHO_HEADER_BYTES = 8;
const ECHO_CHECKSUM = 2;
const ECHO_IDENTIFIER = 4;
const ECHO_SEQUENCE = 6;
const ECHO_REQUEST = { 4: 8, 6: 128 } as const;
const ECHO_REPLY = { 4: 0, 6: 129 } as const;
/** Header length field of IPv4, in words of 4 bytes. */
const IPV4_LENGTH_MASK = 0x0f;
const WORD_SHIFT = 2;

const LARGEST_DATAGRAM_BYTES = 65_535;

/** Called with a reply: its sequence number, and its data, a view that is valid during the call. */
export type OnReply = (sequence: number, data: Uint8Array) => void;

/** What sends echo requests of one family. */
export interface EchoSocket {
  /** Sends a request to the address, with a sequence number that its reply will have. */
  send(destination: string, sequence: number, data: Uint8Array): void;
  /** No reply is handed over after this. */
  close(): Promise<void>;
}

/** Opens one; returns the reason, in words, when this process may not. */
export type OpenEcho = (family: 4 | 6, onReply: OnReply) => EchoSocket | string;

export class IcmpSocket implements EchoSocket {
  /** `raw` or `datagram`. */
  readonly kind: 'raw' | 'datagram';
  readonly #fd: number;
  readonly #family: 4 | 6;
  readonly #identifier: number;
  readonly #watch: Watch;
  readonly #buffer = new Uint8Array(LARGEST_DATAGRAM_BYTES);

  /**
   * Opens a socket for the family; replies that arrive are handed to `onReply` from the event loop.
   * Returns the reason, in words, when this process may open neither kind.
   *
   * @throws TunError `NO_FFI`.
   */
  static open(family: 4 | 6, onReply: OnReply): IcmpSocket | string {
    const domain = family === 4 ? AF_INET : AF_INET6;
    const protocol = family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    const raw = libc().socket(domain, SOCK_RAW | SOCK_FLAGS, protocol);
    if (raw >= 0) return new IcmpSocket(raw, 'raw', family, onReply);
    const rawErrno = libc().errno();
    const datagram = libc().socket(domain, SOCK_DGRAM | SOCK_FLAGS, protocol);
    if (datagram >= 0) return new IcmpSocket(datagram, 'datagram', family, onReply);
    const datagramErrno = libc().errno();
    return `no ICMP socket may be opened: raw ${errnoName(rawErrno)}, datagram ${errnoName(datagramErrno)}; run as root, or widen net.ipv4.ping_group_range`;
  }

  private constructor(fd: number, kind: 'raw' | 'datagram', family: 4 | 6, onReply: OnReply) {
    this.#fd = fd;
    this.kind = kind;
    this.#family = family;
    this.#identifier = process.pid & 0xffff;
    const size = new Uint8Array(Int32Array.of(RECEIVE_BUFFER_BYTES).buffer);
    libc().setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, size.byteLength);
    this.#watch = watchReadable(fd, () => this.#drain(onReply));
    this.#watch.start();
  }

  /**
   * Sends an echo request.
   *
   * @throws TunError `SYSCALL`, such as EMSGSIZE for more data than the path takes.
   */
  send(destination: string, sequence: number, data: Uint8Array): void {
    const message = new Uint8Array(ECHO_HEADER_BYTES + data.byteLength);
    const view = new DataView(message.buffer);
    message[0] = ECHO_REQUEST[this.#family];
    view.setUint16(ECHO_IDENTIFIER, this.#identifier);
    view.setUint16(ECHO_SEQUENCE, sequence);
    message.set(data, ECHO_HEADER_BYTES);
    // For ICMPv6 the kernel fills in the checksum: it alone knows the source address.
    if (this.#family === 4) view.setUint16(ECHO_CHECKSUM, checksum(message, 0, message.byteLength));
    const address = this.#socketAddress(destination);
    const sent = libc().sendto(
      this.#fd,
      message,
      message.byteLength,
      0,
      address,
      address.byteLength,
    );
    if (sent < 0) throw syscallError('sendto', libc().errno(), `send a ping to ${destination}`);
  }

  /** No reply is handed over after this. */
  async close(): Promise<void> {
    this.#watch.stop();
    await this.#watch.close();
    libc().close(this.#fd);
  }

  #drain(onReply: OnReply): void {
    for (;;) {
      const bytes = libc().recv(this.#fd, this.#buffer, this.#buffer.byteLength, 0);
      if (bytes < 0) return;
      this.#receive(bytes, onReply);
    }
  }

  #receive(bytes: number, onReply: OnReply): void {
    // Raw IPv4 sockets get the IP header too, and the requests as well as the replies.
    const withHeader = this.kind === 'raw' && this.#family === 4;
    const start = withHeader ? (this.#buffer[0]! & IPV4_LENGTH_MASK) << WORD_SHIFT : 0;
    if (bytes < start + ECHO_HEADER_BYTES) return;
    const view = new DataView(this.#buffer.buffer, start);
    if (view.getUint8(0) !== ECHO_REPLY[this.#family]) return;
    // A datagram socket's identifier is the kernel's, which sorts the replies itself.
    if (this.kind === 'raw' && view.getUint16(ECHO_IDENTIFIER) !== this.#identifier) return;
    onReply(view.getUint16(ECHO_SEQUENCE), this.#buffer.subarray(start + ECHO_HEADER_BYTES, bytes));
  }

  #socketAddress(destination: string): Uint8Array {
    const four = this.#family === 4;
    const bytes = new Uint8Array(four ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES);
    new DataView(bytes.buffer).setUint16(0, four ? AF_INET : AF_INET6, HOST_LITTLE_ENDIAN);
    bytes.set(parseAddress(destination), four ? SOCKADDR_IN_ADDRESS : SOCKADDR_IN6_ADDRESS);
    return bytes;
  }
}
