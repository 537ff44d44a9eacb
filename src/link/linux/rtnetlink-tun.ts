/**
 * What rtnetlink tells of a TUN or TAP device beyond any other: the attributes in IFLA_INFO_DATA of a
 * device of kind `tun`. Linux 4.18 and later; anybody may ask.
 *
 * Source: linux/if_link.h, `IFLA_TUN_*`; `tun_fill_info` sends the owner and group only where there is one.
 */

import type { Attributes } from '../../os/netlink-reader.ts';
import { TunFlag } from './tun-requests.ts';

const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_TUN_OWNER = 1;
const IFLA_TUN_GROUP = 2;
const IFLA_TUN_TYPE = 3;
const IFLA_TUN_PI = 4;
const IFLA_TUN_VNET_HDR = 5;
const IFLA_TUN_PERSIST = 6;
const IFLA_TUN_MULTI_QUEUE = 7;
const IFLA_TUN_NUM_QUEUES = 8;
const IFLA_TUN_NUM_DISABLED_QUEUES = 9;

/** A TUN or TAP device as the kernel tells anybody who asks. */
export interface TunState {
  readonly type: 'tun' | 'tap';
  /** The user, and the group, who may attach to it; undefined for none. */
  readonly owner: number | undefined;
  readonly group: number | undefined;
  readonly protocolInformation: boolean;
  readonly headers: boolean;
  readonly persistent: boolean;
  readonly multiQueue: boolean;
  /** Descriptors that are attached to it, detached queues included; undefined of one with a single queue. */
  readonly queues: number | undefined;
}

/** Reads IFLA_LINKINFO; undefined for another kind of device, or a kernel that does not tell. */
export function parseTunState(linkInfo: Attributes | undefined): TunState | undefined {
  if (linkInfo?.text(IFLA_INFO_KIND) !== 'tun') return undefined;
  const data = linkInfo.nested(IFLA_INFO_DATA);
  const type = data?.u8(IFLA_TUN_TYPE);
  if (data === undefined || type === undefined) return undefined;
  const multiQueue = data.u8(IFLA_TUN_MULTI_QUEUE) === 1;
  const queues = data.u32(IFLA_TUN_NUM_QUEUES) ?? 0;
  const disabled = data.u32(IFLA_TUN_NUM_DISABLED_QUEUES) ?? 0;
  return {
    type: type === TunFlag.TAP ? 'tap' : 'tun',
    owner: data.u32(IFLA_TUN_OWNER),
    group: data.u32(IFLA_TUN_GROUP),
    protocolInformation: data.u8(IFLA_TUN_PI) === 1,
    headers: data.u8(IFLA_TUN_VNET_HDR) === 1,
    persistent: data.u8(IFLA_TUN_PERSIST) === 1,
    multiQueue,
    queues: multiQueue ? queues + disabled : undefined,
  };
}
