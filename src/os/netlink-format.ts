/**
 * The netlink message format: a header, a fixed body, attributes. Pure bytes, host byte order.
 *
 * ```
 *  0              4       6       8             12            16         nlmsg_len
 * +--------------+-------+-------+-------------+-------------+----------+----------+
 * | nlmsg_len    | type  | flags | sequence    | port        | body     | attribs  |
 * +--------------+-------+-------+-------------+-------------+----------+----------+
 *  attribute, at a multiple of 4:
 *  0       2       4          nla_len
 * +-------+-------+----------+ - - - +
 * | len   | type  | payload  | to 4  |
 * +-------+-------+----------+ - - - +
 * ```
 *
 * `nlmsg_len` and `nla_len` count their header and not the padding behind them.
 *
 * Source: linux/netlink.h; Linux Documentation/userspace-api/netlink/intro.rst.
 */

import { TunError, TunErrorCode } from '../errors.ts';

/** Bytes of `struct nlmsghdr`. */
export const MESSAGE_HEADER_BYTES = 16;
export const MESSAGE_TYPE_OFFSET = 4;
export const MESSAGE_FLAGS_OFFSET = 6;
export const MESSAGE_SEQUENCE_OFFSET = 8;

/** Bytes of `struct nlattr`. */
export const ATTRIBUTE_HEADER_BYTES = 4;
export const ATTRIBUTE_TYPE_OFFSET = 2;
/** `~(NLA_F_NESTED | NLA_F_NET_BYTEORDER)`: the attribute's type without its two flags. */
export const ATTRIBUTE_TYPE_MASK = 0x3fff;
/** `NLA_F_NESTED`: the payload is attributes. */
export const NESTED = 0x8000;

/** `NLMSG_ALIGNTO`. */
const ALIGNMENT = 4;
export const U32_BYTES = 4;

/** Message types below `NLMSG_MIN_TYPE`, common to all families (linux/netlink.h). */
export const ControlType = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const;

/** Header flags (linux/netlink.h). The same bits mean different things in each kind of request. */
export const MessageFlag = {
  REQUEST: 0x001,
  ACK: 0x004,
  /** In a reply: the dump is inconsistent, something changed in the middle of it. */
  DUMP_INTERRUPTED: 0x010,
  /** In a GET request: `NLM_F_ROOT | NLM_F_MATCH`. */
  DUMP: 0x300,
  /** In a NEW request: fail when it exists. */
  EXCLUSIVE: 0x200,
  /** In a NEW request: make it when it does not exist. */
  CREATE: 0x400,
  /** In an ERROR or DONE: the request is not repeated in it. */
  CAPPED: 0x100,
  /** In an ERROR or DONE: attributes of the extended acknowledgement follow. */
  ACK_ATTRIBUTES: 0x200,
} as const;

/** Rounds a length up to where the next message or attribute starts. */
export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** A view of the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Not the kernel's doing: something else speaks on the socket, or this kernel is none we know. */
export function malformed(what: string): TunError {
  return new TunError(
    TunErrorCode.SYSCALL,
    `the netlink answer cannot be read: it holds ${what}; this kernel's rtnetlink is not the one typetun knows, please report it`,
    { syscall: 'recvfrom' },
  );
}
