/** The control side of a device that rtnetlink tells about: what it is configured to, and what others do to it. */

import type { NetlinkSocket } from '../../os/netlink-socket.ts';
import { type Watch, watchReadable } from '../../os/poll.ts';
import type { LinkEvent, LinkInfo, LinkReconfig } from '../link.ts';
import { type OwnSettings, reconfigureDevice } from './configure.ts';
import type { DeviceControl } from './device-control.ts';
import { readHostDrops, readLink } from './device-state.ts';
import type { LinkEventReader } from './events.ts';
import { ask } from './refusals.ts';
import { deleteLink } from './rtnetlink-link.ts';
import type { TunMemory } from './tun-memory.ts';

/** A device as it was set up. */
export interface SetUp {
  /** As read back. */
  readonly info: LinkInfo;
  /** What the link has set, and may replace. */
  readonly own: OwnSettings;
  /** Packets the kernel queues for it. */
  readonly hostQueueLength: number;
}

export class LinuxControl implements DeviceControl {
  readonly #index: number;
  readonly #socket: NetlinkSocket;
  readonly #events: LinkEventReader;
  readonly #watch: Watch;
  readonly #shared: TunMemory;
  #listener: ((event: LinkEvent) => void) | undefined;
  #info: LinkInfo;
  #own: OwnSettings;
  #hostDrops = 0;
  #closed = false;

  /**
   * Begins to listen for changes of the device with this index. Takes over `socket` and `events`, both
   * opened in the device's network namespace. What all threads need to know of the device is kept up
   * to date in `shared`.
   */
  constructor(
    index: number,
    setUp: SetUp,
    socket: NetlinkSocket,
    events: LinkEventReader,
    shared: TunMemory,
  ) {
    this.#index = index;
    this.#socket = socket;
    this.#events = events;
    this.#shared = shared;
    this.#own = setUp.own;
    this.#info = setUp.info;
    shared.mtu = this.#info.mtu;
    shared.hostQueueLength = setUp.hostQueueLength;
    events.noteOwn(this.#info);
    this.#watch = watchReadable(events.fd, () => this.#readEvents());
    this.#watch.start();
  }

  get info(): LinkInfo {
    return this.#info;
  }

  onEvent(listener: (event: LinkEvent) => void): void {
    this.#listener = listener;
  }

  configure(change: LinkReconfig): LinkInfo {
    this.#info = reconfigureDevice(this.#socket, this.#index, this.#own, change);
    this.#shared.mtu = this.#info.mtu;
    const { addresses = this.#own.addresses, routes = this.#own.routes } = change;
    this.#own = { ...this.#own, addresses, routes };
    this.#events.noteOwn(this.#info);
    return this.#info;
  }

  hostDrops(): number {
    if (this.#closed) return this.#hostDrops;
    this.#hostDrops = readHostDrops(this.#socket, this.#index) ?? this.#hostDrops;
    return this.#hostDrops;
  }

  attachedQueues(): number | undefined {
    if (this.#closed) return undefined;
    try {
      return readLink(this.#socket, this.#index).tun?.queues;
    } catch {
      return undefined;
    }
  }

  removeDevice(): void {
    if (this.#closed) return;
    try {
      ask(this.#socket, deleteLink(this.#index), { what: 'removing the device' });
    } catch {
      // It is gone, or goes with the last descriptor.
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    try {
      this.hostDrops();
    } catch {
      // The last known figure stays; what matters now is that everything is released.
    }
    this.#closed = true;
    await this.#watch.close();
    this.#events.close();
    this.#socket.close();
  }

  #readEvents(): void {
    const events = this.#newEvents();
    const { queueLength } = this.#events;
    if (queueLength !== undefined) this.#shared.hostQueueLength = queueLength;
    for (const event of events) {
      this.#shared.mtu = event.info.mtu;
      this.#info = event.info;
      this.#listener?.(event);
    }
  }

  /** A kernel that cannot be asked any more costs the events, not the process or the packets. */
  #newEvents(): LinkEvent[] {
    try {
      return this.#events.readEvents();
    } catch (error) {
      this.#watch.stop();
      const why = error instanceof Error ? error.message : String(error);
      process.emitWarning(`no more link events of "${this.#info.name}": ${why}`, 'TypetunWarning');
      return [];
    }
  }
}
