/** How the kernel says no: the ERROR and DONE messages and the extended acknowledgement. */

import { TunError, TunErrorCode } from '../errors.ts';
import { Errno, errnoName } from './libc.ts';
import {
  align,
  ControlType,
  MESSAGE_HEADER_BYTES,
  MessageFlag,
  U32_BYTES,
} from './netlink-format.ts';
import type { Message } from './netlink-reader.ts';

/** `NLMSGERR_ATTR_MSG`: the kernel's own words. */
const ERROR_ATTRIBUTE_TEXT = 1;

/**
 * The kernel refused a netlink request. Meant to be caught by whoever knows what was asked and can
 * say more; `errno` is always set.
 */
export class NetlinkRefusal extends TunError {
  /** The kernel's explanation; empty when it gave none. */
  readonly kernelText: string;

  constructor(errno: number, kernelText: string) {
    super(
      errno === Errno.EPERM ? TunErrorCode.NO_PRIVILEGE : TunErrorCode.SYSCALL,
      `the kernel refused a netlink request with ${errnoName(errno)}${kernelText === '' ? '' : ` ("${kernelText}")`}`,
      { syscall: 'netlink', errno },
    );
    this.kernelText = kernelText;
  }
}

/**
 * Reads an ERROR or DONE message. Returns undefined when it says success.
 *
 * @throws TunError `SYSCALL` when the message is too short for what it claims to hold.
 */
export function readRefusal(message: Message): NetlinkRefusal | undefined {
  message.checkBody(U32_BYTES);
  const errno = -(message.u32(0) | 0);
  if (errno <= 0) return undefined;
  if ((message.flags & MessageFlag.ACK_ATTRIBUTES) === 0) return new NetlinkRefusal(errno, '');
  const text = message.attributes(bytesBeforeAttributes(message)).text(ERROR_ATTRIBUTE_TEXT);
  return new NetlinkRefusal(errno, text ?? '');
}

/** An ERROR repeats the request's header behind the error number, and unless capped all of it. */
function bytesBeforeAttributes(message: Message): number {
  if (message.type === ControlType.DONE) return U32_BYTES;
  message.checkBody(U32_BYTES + MESSAGE_HEADER_BYTES);
  const capped = (message.flags & MessageFlag.CAPPED) !== 0;
  return U32_BYTES + (capped ? MESSAGE_HEADER_BYTES : align(message.u32(U32_BYTES)));
}
