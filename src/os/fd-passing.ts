/**
 * Descriptors that travel between processes: `SCM_RIGHTS` messages over a Unix stream socket.
 *
 * ```
 *  struct msghdr, 56 bytes                  struct cmsghdr, 16 bytes, and what it carries
 *  0    8       16    24     32      40     48       0          8       12     16
 * +----+-------+-----+------+-------+------+-----+  +----------+-------+------+-------+-----+- - -
 * |name|namelen| iov |iovlen|control|length|flags|  | length   | level | type | fd, 4 bytes | ...
 * +----+-------+-----+------+-------+------+-----+  +----------+-------+------+-------+-----+- - -
 * ```
 *
 * Source: sendmsg(2), recvmsg(2), cmsg(3), unix(7); layouts of 64-bit Linux, numbers from sys/socket.h.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import { HOST_LITTLE_ENDIAN } from '../wire/bundle.ts';
import { addressOf } from './address.ts';
import { Errno, libc, syscallError } from './libc.ts';

/** Descriptors that one message may carry: `SCM_MAX_FD` (net/scm.h). */
export const MAX_DESCRIPTORS = 253;

const AF_UNIX = 1;
const SOCK_STREAM = 1;
/** `SOCK_NONBLOCK | SOCK_CLOEXEC`. */
const SOCK_FLAGS = 0o2004000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x8;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

const MESSAGE_BYTES = 56;
const MESSAGE_IOV = 16;
const MESSAGE_IOV_COUNT = 24;
const MESSAGE_CONTROL = 32;
const MESSAGE_CONTROL_BYTES = 40;
const MESSAGE_FLAGS = 48;
/** `struct iovec`: address and length. */
const IOVEC_BYTES = 16;
const IOVEC_LENGTH = 8;
const CONTROL_HEADER_BYTES = 16;
const CONTROL_LEVEL = 8;
const CONTROL_TYPE = 12;
const FD_BYTES = 4;
const WORD_BYTES = 8;

/** What {@link receiveDescriptors} found. */
export interface ReceivedDescriptors {
  /** They are the receiver's to close, and close-on-exec. */
  readonly fds: readonly number[];
  /** Bytes of data that came; 0 at the end of the stream. */
  readonly bytes: number;
}

/**
 * A pair of connected Unix stream sockets, non-blocking and close-on-exec; both are the caller's.
 *
 * @throws TunError `SYSCALL`.
 */
export function socketPair(): [number, number] {
  const pair = new Int32Array(2);
  if (libc().socketpair(AF_UNIX, SOCK_STREAM | SOCK_FLAGS, 0, new Uint8Array(pair.buffer)) < 0) {
    throw syscallError('socketpair', libc().errno(), 'make a pair of sockets');
  }
  return [pair[0]!, pair[1]!];
}

/**
 * Sends `data`, at least one byte, and with its first byte the descriptors `fds`, at most
 * {@link MAX_DESCRIPTORS}; none is closed. Does not wait. Returns the bytes of `data` that were sent:
 * what is left is to be sent without the descriptors, which went if any byte did. Returns 0 when the
 * socket takes nothing now.
 *
 * @throws RangeError for no data or too many descriptors; TunError `SYSCALL` when the peer is gone
 * (EPIPE; no signal is raised), one of `fds` is not open (EBADF), or `socketFd` is no Unix socket.
 */
export function sendDescriptors(
  socketFd: number,
  fds: readonly number[],
  data: Uint8Array,
): number {
  if (data.length === 0)
    throw new RangeError('descriptors travel with data; give at least one byte');
  if (fds.length > MAX_DESCRIPTORS) {
    throw new RangeError(`${fds.length} descriptors; at most ${MAX_DESCRIPTORS} go in one message`);
  }
  const message = new Message(controlBytes(fds.length), data.length);
  message.putDescriptors(fds);
  message.data.set(data);
  for (;;) {
    const sent = libc().sendmsg(socketFd, message.bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    const errno = libc().errno();
    if (errno === Errno.EAGAIN) return 0;
    if (errno !== Errno.EINTR) throw syscallError('sendmsg', errno, 'send descriptors');
  }
}

/**
 * Receives what is there of one message into `data`, at least one byte long, and the descriptors that
 * came with it, at most `most`. Does not wait. Returns undefined when nothing is there now. Of a
 * stream the bytes may be fewer than were sent; their descriptors come with the first of them.
 *
 * @throws TunError `SYSCALL` when more descriptors came than `most`, or than this process may hold
 * (EMFILE); those that came are closed then. RangeError for no room.
 */
export function receiveDescriptors(
  socketFd: number,
  data: Uint8Array,
  most: number = MAX_DESCRIPTORS,
): ReceivedDescriptors | undefined {
  if (data.length === 0) throw new RangeError('descriptors travel with data; give room for a byte');
  // Room for all that can come: what does not fit the kernel would close without saying how much.
  const message = new Message(controlBytes(MAX_DESCRIPTORS), data.length);
  const bytes = receive(socketFd, message);
  if (bytes === undefined) return undefined;
  const fds = message.descriptors();
  if (!message.isTruncated && fds.length <= most) {
    data.set(message.data.subarray(0, bytes));
    return { fds, bytes };
  }
  for (const fd of fds) libc().close(fd);
  throw new TunError(
    TunErrorCode.SYSCALL,
    message.isTruncated
      ? 'not all descriptors of a message arrived; does this process hold as many as it may ("ulimit -n")? Those that came were closed'
      : `the peer sent ${fds.length} descriptors where at most ${most} belong; they were closed`,
    { syscall: 'recvmsg' },
  );
}

/** Bytes received, undefined when there are none now. */
function receive(socketFd: number, message: Message): number | undefined {
  for (;;) {
    const bytes = libc().recvmsg(socketFd, message.bytes, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (bytes >= 0) return bytes;
    const errno = libc().errno();
    if (errno === Errno.EAGAIN) return undefined;
    if (errno !== Errno.EINTR) throw syscallError('recvmsg', errno, 'receive descriptors');
  }
}

/** Room for a control message with that many descriptors (`CMSG_SPACE`). */
function controlBytes(descriptors: number): number {
  if (descriptors === 0) return 0;
  return CONTROL_HEADER_BYTES + align(descriptors * FD_BYTES);
}

function align(bytes: number): number {
  return Math.ceil(bytes / WORD_BYTES) * WORD_BYTES;
}

/** A `struct msghdr` and all it points to in one piece of memory, which is reachable as long as it is. */
class Message {
  readonly bytes: Uint8Array;
  readonly data: Uint8Array;
  readonly #view: DataView;

  constructor(control: number, data: number) {
    const controlAt = MESSAGE_BYTES + IOVEC_BYTES;
    const dataAt = controlAt + control;
    this.bytes = new Uint8Array(dataAt + data);
    this.data = this.bytes.subarray(dataAt);
    this.#view = new DataView(this.bytes.buffer);
    const base = addressOf(this.bytes);
    this.#word(MESSAGE_IOV, base + MESSAGE_BYTES);
    this.#word(MESSAGE_IOV_COUNT, 1);
    this.#word(MESSAGE_CONTROL, control === 0 ? 0 : base + controlAt);
    this.#word(MESSAGE_CONTROL_BYTES, control);
    this.#word(MESSAGE_BYTES, base + dataAt);
    this.#word(MESSAGE_BYTES + IOVEC_LENGTH, data);
  }

  get isTruncated(): boolean {
    return (this.#int(MESSAGE_FLAGS) & MSG_CTRUNC) !== 0;
  }

  putDescriptors(fds: readonly number[]): void {
    if (fds.length === 0) return;
    const at = MESSAGE_BYTES + IOVEC_BYTES;
    this.#word(at, CONTROL_HEADER_BYTES + fds.length * FD_BYTES);
    this.#view.setInt32(at + CONTROL_LEVEL, SOL_SOCKET, HOST_LITTLE_ENDIAN);
    this.#view.setInt32(at + CONTROL_TYPE, SCM_RIGHTS, HOST_LITTLE_ENDIAN);
    fds.forEach((fd, i) => {
      this.#view.setInt32(at + CONTROL_HEADER_BYTES + i * FD_BYTES, fd, HOST_LITTLE_ENDIAN);
    });
  }

  /** Descriptors that the kernel has put in; other control messages (credentials) are passed over. */
  descriptors(): number[] {
    const found: number[] = [];
    let at = MESSAGE_BYTES + IOVEC_BYTES;
    const end = at + this.#length(MESSAGE_CONTROL_BYTES);
    while (at + CONTROL_HEADER_BYTES <= end) {
      const length = this.#length(at);
      if (length < CONTROL_HEADER_BYTES) break;
      const isRights =
        this.#int(at + CONTROL_LEVEL) === SOL_SOCKET && this.#int(at + CONTROL_TYPE) === SCM_RIGHTS;
      const last = Math.min(at + length, end);
      for (let fd = at + CONTROL_HEADER_BYTES; isRights && fd + FD_BYTES <= last; fd += FD_BYTES) {
        found.push(this.#int(fd));
      }
      at += align(length);
    }
    return found;
  }

  #word(at: number, value: number): void {
    this.#view.setBigUint64(at, BigInt(value), HOST_LITTLE_ENDIAN);
  }

  #length(at: number): number {
    return Number(this.#view.getBigUint64(at, HOST_LITTLE_ENDIAN));
  }

  #int(at: number): number {
    return this.#view.getInt32(at, HOST_LITTLE_ENDIAN);
  }
}
