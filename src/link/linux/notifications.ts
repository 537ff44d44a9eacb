/** Which of rtnetlink's notifications are about an interface. Pure bytes. */

import { MESSAGE_HEADER_BYTES } from '../../os/netlink-format.ts';
import type { Message } from '../../os/netlink-reader.ts';
import { RTM_DELADDR, RTM_NEWADDR } from './rtnetlink-address.ts';
import { RTM_DELLINK, RTM_NEWLINK } from './rtnetlink-link.ts';

/** Messages whose body is a `struct ifinfomsg` or a `struct ifaddrmsg`. */
const TYPES: readonly number[] = [RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR];

/** Where in both bodies the interface index is, and how long a body is that has one. */
const INDEX_OFFSET = 4;
const LEAST_BODY_BYTES = 8;

/** Where the index is in the whole message: what a filter in the kernel compares. */
export const MESSAGE_INDEX_OFFSET: number = MESSAGE_HEADER_BYTES + INDEX_OFFSET;

/** Whether something about the interface `index` may have changed. */
export function mayConcern(messages: readonly Message[] | 'overrun', index: number): boolean {
  if (messages === 'overrun') return true;
  for (const message of messages) {
    if (!TYPES.includes(message.type)) continue;
    message.checkBody(LEAST_BODY_BYTES);
    if (message.u32(INDEX_OFFSET) === index) return true;
  }
  return false;
}
