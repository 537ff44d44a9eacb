/**
 * What others do to the device: rtnetlink's notifications about one interface, turned into link
 * events.
 *
 * A notification is taken as a hint that something may be different. What is different comes from
 * reading the device anew and comparing with what was known. So lost notifications (ENOBUFS) need
 * nothing of their own, our own changes and carrier are no events, and of a change that was undone
 * before it was seen nothing is told.
 */

import { NetlinkSocket } from '../../os/netlink-socket.ts';
import type { LinkEvent, LinkInfo } from '../link.ts';
import { readDevice } from './device-state.ts';
import { MESSAGE_INDEX_OFFSET, mayConcern } from './notifications.ts';

/** `RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR` (linux/rtnetlink.h). */
const GROUPS = 0x111;

export class LinkEventReader {
  readonly #index: number;
  readonly #notifications: NetlinkSocket;
  readonly #queries: NetlinkSocket;
  #known: LinkInfo | undefined;
  #queueLength: number | undefined;

  /**
   * Begins to listen for changes of the interface `index` in the thread's present network
   * namespace. `queries`, of the same namespace, stays its owner's and must outlive the reader.
   *
   * @throws TunError as `NetlinkSocket.open`.
   */
  static open(index: number, queries: NetlinkSocket): LinkEventReader {
    const notifications = NetlinkSocket.open(GROUPS);
    notifications.keepOnly(MESSAGE_INDEX_OFFSET, index);
    return new LinkEventReader(index, notifications, queries);
  }

  private constructor(index: number, notifications: NetlinkSocket, queries: NetlinkSocket) {
    this.#index = index;
    this.#notifications = notifications;
    this.#queries = queries;
  }

  /** Packets the kernel queues for the device, when last seen; undefined when it was not. */
  get queueLength(): number | undefined {
    return this.#queueLength;
  }

  /** Readable when {@link readEvents} may have something to tell. */
  get fd(): number {
    return this.#notifications.fd;
  }

  /**
   * Takes `info`, as read back after a change of our own, as known. Until the first call there are
   * no events. A change by others in the same instant, after the last `readEvents` and before the
   * reading back, is in `info` and is not told.
   */
  noteOwn(info: LinkInfo): void {
    this.#known = info;
  }

  /**
   * Reads all notifications that are there, without waiting, and returns what changed since the
   * device was last known; all events of one call carry the device as it is now. `removed` is the
   * last event there is.
   *
   * @throws TunError `SYSCALL` when the device cannot be read.
   */
  readEvents(): LinkEvent[] {
    const messages = this.#notifications.receive();
    const before = this.#known;
    if (before === undefined || !mayConcern(messages, this.#index)) return [];
    const device = readDevice(this.#queries, this.#index);
    const now = device?.info;
    this.#queueLength = device?.queueLength;
    this.#known = now;
    return now === undefined ? [{ type: 'removed', info: before }] : differences(before, now);
  }

  /** Safe to call twice. */
  close(): void {
    this.#notifications.close();
  }
}

function differences(before: LinkInfo, now: LinkInfo): LinkEvent[] {
  const events: LinkEvent[] = [];
  if (before.name !== now.name) events.push({ type: 'name', info: now });
  if (before.up !== now.up) events.push({ type: now.up ? 'up' : 'down', info: now });
  if (before.mtu !== now.mtu) events.push({ type: 'mtu', info: now });
  if (!sameAddresses(before, now)) events.push({ type: 'address', info: now });
  return events;
}

/** The kernel lists them in an order of its own, which is no news. */
function sameAddresses(before: LinkInfo, now: LinkInfo): boolean {
  return (
    before.addresses.length === now.addresses.length &&
    before.addresses.every((address) => now.addresses.includes(address))
  );
}
