/**
 * A socket to the kernel's rtnetlink. Requests are synchronous: the kernel works on a request
 * within the call that sends it, so that the answer is there when the call returns, in about 50 us.
 *
 * The socket belongs to the network namespace the thread is in when it is opened, for good.
 *
 * Source: netlink(7), rtnetlink(7); linux/netlink.h.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import { MAX_BLOCK_MS } from '../limits.ts';
import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { closeOwned, ownedByThread } from './descriptors.ts';
import { Errno, libc, syscallError } from './libc.ts';
import { setSequence } from './netlink-builder.ts';
import { keepOnly } from './netlink-filter.ts';
import { ControlType, MessageFlag, malformed } from './netlink-format.ts';
import { type Message, splitMessages } from './netlink-reader.ts';
import { readRefusal } from './netlink-refusal.ts';

/** bits/socket.h. */
const AF_NETLINK = 16;
/** linux/netlink.h. */
const NETLINK_ROUTE = 0;
/** `SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK` (bits/socket_type.h). */
const SOCKET_TYPE = 0x80803;
/** `SOL_NETLINK` (bits/socket.h). */
const SOL_NETLINK = 270;
/** linux/netlink.h: refusals without the request, but with the kernel's words; dumps that filter. */
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
/** Bytes of the C `int` that a socket option takes. */
const INT_BYTES = 4;

/** `struct sockaddr_nl`: family, padding, port, groups. */
const SOCKADDR_BYTES = 12;
const SOCKADDR_PORT_OFFSET = 4;
const SOCKADDR_GROUPS_OFFSET = 8;
/** The port of the kernel; every other is a process. */
const KERNEL_PORT = 0;

/** `struct pollfd`: descriptor, events, returned events; `POLLIN` (poll.h). */
const POLLFD_BYTES = 8;
const POLLFD_EVENTS_OFFSET = 4;
const POLLIN = 0x001;

/** `MSG_TRUNC`: `recvfrom` returns the datagram's length, also when it was longer than the buffer. */
const MSG_TRUNC = 0x20;

/** Bytes of the largest datagram taken. The kernel packs dumps into at most 32 KiB. */
const RECEIVE_BYTES = 65_536;
/** An answer not complete after this many ms will not come; see above for what is usual. */
const ANSWER_TIMEOUT_MS = 2000;
/** How often a dump is asked for again when something changed in the middle of it. */
const MAX_DUMP_ATTEMPTS = 10;
/** Datagrams in one {@link NetlinkSocket.receive}, so that a flood does not hold the thread. */
const MAX_DATAGRAMS_PER_RECEIVE = 256;
/** Sequence numbers are 32 bits long. */
const SEQUENCE_MASK = 0x7fffffff;

/** Shared by all sockets of this thread: what it holds is copied before the call returns. */
let receiveBuffer: Uint8Array | undefined;

/** What waited in the socket: messages, nothing, or the kernel's word that it dropped some. */
type Received = Message[] | 'nothing' | 'overrun';

export class NetlinkSocket {
  /** For watching. Stays this object's; closed by {@link close}. */
  readonly fd: number;
  readonly #pollfd = new Uint8Array(POLLFD_BYTES);
  readonly #sender = new Uint8Array(SOCKADDR_BYTES);
  readonly #senderBytes = new Uint32Array(1);
  #sequence = 0;
  #closed = false;

  /** Takes over `fd`. Use {@link open}. */
  private constructor(fd: number) {
    this.fd = fd;
    const view = new DataView(this.#pollfd.buffer);
    view.setInt32(0, fd, HOST_LITTLE_ENDIAN);
    view.setInt16(POLLFD_EVENTS_OFFSET, POLLIN, HOST_LITTLE_ENDIAN);
  }

  /**
   * Opens a socket in the thread's present network namespace. It never blocks and is not inherited
   * by child processes.
   *
   * @param groups Bit set of `RTMGRP_*`: the notifications it is to get. 0 for requests alone.
   * @throws TunError `SYSCALL`, or `NO_FFI` without the FFI package.
   */
  static open(groups = 0): NetlinkSocket {
    const fd = libc().socket(AF_NETLINK, SOCKET_TYPE, NETLINK_ROUTE);
    if (fd < 0) throw syscallError('socket', libc().errno(), 'open an rtnetlink socket');
    const socket = new NetlinkSocket(ownedByThread(fd));
    try {
      socket.#setUp(groups);
    } catch (error) {
      socket.close();
      throw error;
    }
    return socket;
  }

  /**
   * Sends a request and returns the messages it is answered with, without the acknowledgement.
   *
   * `message` is the caller's; its sequence number is overwritten. It must ask for an
   * acknowledgement or a dump, which is how the end of the answer is known. A dump that something
   * changed under is repeated.
   *
   * @throws NetlinkRefusal when the kernel says no. TunError `SYSCALL` when the answer does not
   * come, is cut short, or cannot be read.
   */
  request(message: Uint8Array): Message[] {
    for (let attempt = 0; attempt < MAX_DUMP_ATTEMPTS; attempt++) {
      this.#sequence = (this.#sequence + 1) & SEQUENCE_MASK;
      setSequence(message, this.#sequence);
      this.#send(message);
      const answer = this.#collect();
      if (answer !== 'interrupted') return answer;
    }
    throw new TunError(
      TunErrorCode.SYSCALL,
      `the machine's network configuration changed under each of ${MAX_DUMP_ATTEMPTS} attempts to read it; try again when it has settled`,
      { syscall: 'recvfrom' },
    );
  }

  /**
   * Takes the notifications that have arrived, without waiting; none is an empty list. After a flood
   * some may be left: the descriptor stays readable.
   *
   * Returns `overrun` when the kernel had to drop some: what was known is then out of date. What
   * was still there is thrown away.
   */
  receive(): Message[] | 'overrun' {
    const all: Message[] = [];
    let overrun = false;
    for (let i = 0; i < MAX_DATAGRAMS_PER_RECEIVE; i++) {
      const received = this.#receiveDatagram();
      if (received === 'nothing') break;
      if (received === 'overrun') overrun = true;
      else all.push(...received);
    }
    return overrun ? 'overrun' : all;
  }

  /**
   * Asks the kernel to keep datagrams away whose four bytes at `offset` are not `value` in host byte
   * order. For notifications only, since answers would be kept away too. It is a relief, not a
   * promise: a kernel without socket filters delivers everything.
   */
  keepOnly(offset: number, value: number): void {
    keepOnly(this.fd, offset, value);
  }

  /** Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeOwned(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #setUp(groups: number): void {
    const one = new Uint8Array(new Int32Array([1]).buffer);
    // A kernel that lacks one of these says less or filters nothing; both are coped with.
    for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK]) {
      libc().setsockopt(this.fd, SOL_NETLINK, option, one, INT_BYTES);
    }
    const address = new DataView(new ArrayBuffer(SOCKADDR_BYTES));
    address.setUint16(0, AF_NETLINK, HOST_LITTLE_ENDIAN);
    address.setUint32(SOCKADDR_GROUPS_OFFSET, groups, HOST_LITTLE_ENDIAN);
    if (libc().bind(this.fd, new Uint8Array(address.buffer), SOCKADDR_BYTES) === 0) return;
    throw syscallError('bind', libc().errno(), 'bind an rtnetlink socket');
  }

  #send(message: Uint8Array): void {
    const bytes = message.byteLength;
    while (libc().sendto(this.fd, message, bytes, 0, null, 0) !== bytes) {
      const errno = libc().errno();
      if (errno !== Errno.EINTR) throw syscallError('sendto', errno, 'send an rtnetlink request');
    }
  }

  #collect(): Message[] | 'interrupted' {
    const deadline = performance.now() + ANSWER_TIMEOUT_MS;
    const answer: Message[] = [];
    let interrupted = false;
    while (performance.now() < deadline) {
      const received = this.#receiveDatagram();
      if (received === 'overrun') throw syscallError('recvfrom', Errno.ENOBUFS, 'read an answer');
      if (received === 'nothing') {
        // A signal ends the wait early, which is harmless: the deadline is what counts.
        libc().poll(this.#pollfd, 1, MAX_BLOCK_MS);
        continue;
      }
      for (const message of received) {
        // The rest of an answer that was given up on, or a notification.
        if (message.sequence !== this.#sequence) continue;
        if ((message.flags & MessageFlag.DUMP_INTERRUPTED) !== 0) interrupted = true;
        if (message.type === ControlType.ERROR || message.type === ControlType.DONE) {
          const refusal = readRefusal(message);
          if (refusal !== undefined) throw refusal;
          return interrupted ? 'interrupted' : answer;
        }
        if (message.type !== ControlType.NOOP) answer.push(message);
      }
    }
    throw new TunError(
      TunErrorCode.SYSCALL,
      `the kernel did not answer an rtnetlink request within ${ANSWER_TIMEOUT_MS} ms; is the machine overloaded?`,
      { syscall: 'recvfrom' },
    );
  }

  /** One datagram of the kernel's, copied; those of other senders are passed over. */
  #receiveDatagram(): Received {
    receiveBuffer ??= new Uint8Array(RECEIVE_BYTES);
    const sender = new DataView(this.#sender.buffer);
    for (;;) {
      this.#senderBytes[0] = SOCKADDR_BYTES;
      const length = libc().recvfrom(
        this.fd,
        receiveBuffer,
        RECEIVE_BYTES,
        MSG_TRUNC,
        this.#sender,
        new Uint8Array(this.#senderBytes.buffer),
      );
      if (length < 0) {
        const errno = libc().errno();
        if (errno === Errno.EINTR) continue;
        if (errno === Errno.EAGAIN) return 'nothing';
        if (errno === Errno.ENOBUFS) return 'overrun';
        throw syscallError('recvfrom', errno, 'read from an rtnetlink socket');
      }
      if (sender.getUint32(SOCKADDR_PORT_OFFSET, HOST_LITTLE_ENDIAN) !== KERNEL_PORT) continue;
      if (length > RECEIVE_BYTES) throw malformed(`a datagram of ${length} bytes`);
      return splitMessages(receiveBuffer.slice(0, length));
    }
  }
}
