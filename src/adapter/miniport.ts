/**
 * The driver's instance for one network adapter (NDIS calls it the miniport adapter): shared memory,
 * link, data path, requests and lifecycle put together. `Adapter` and `Device` are its public faces.
 *
 * Used by the thread that created it.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import type { Link, LinkEvent, LinkReconfig } from '../link/link.ts';
import { DataPath } from './data-path.ts';
import { type Indications, Lifecycle } from './lifecycle.ts';
import { luidIndexFor } from './luid.ts';
import type { CheckedOptions } from './options.ts';
import { register, unregister } from './registry.ts';
import { Requests } from './requests.ts';
import { SharedAdapter } from './shared-adapter.ts';
import { AdapterState, isPresent } from './state.ts';

/** What a handle is to the miniport. */
export interface Handle {
  /** The adapter goes away: fail from now on. */
  forceClose(): void;
}

/** Told of changes; set by the adapter once it exists. Must not throw. */
export interface MiniportEvents extends Indications {
  link(event: LinkEvent): void;
}

export class Miniport {
  readonly luidIndex: number;
  readonly link: Link;
  readonly options: CheckedOptions;
  readonly shared: SharedAdapter;
  readonly requests: Requests;
  readonly lifecycle: Lifecycle;
  readonly #path: DataPath;
  readonly #handles = new Set<Handle>();
  #events: MiniportEvents | undefined;
  #removed = false;
  readonly #transactionsEnded = (): void => this.lifecycle.transactionsEnded();

  /** Takes over `link`; halting releases it. The adapter begins as Halted. */
  constructor(link: Link, options: CheckedOptions) {
    this.link = link;
    this.options = options;
    this.luidIndex = luidIndexFor(link.info.interfaceIndex);
    this.shared = new SharedAdapter({
      dropPolicy: options.dropPolicy,
      queueBytes: options.queueBytes,
      mtu: link.info.mtu,
    });
    this.#path = new DataPath(this.shared, link);
    this.requests = new Requests(this.shared, link, this.#path, options.prefetch, () =>
      this.#remove(),
    );
    this.lifecycle = new Lifecycle(this.shared, link, this.#path, this.#indications(), {
      start: () => this.requests.start(),
      unpublish: () => unregister(this),
      forceClose: (reason) => this.#forceClose(reason),
    });
    link.onEvent((event) => this.#onLinkEvent(event));
  }

  /** Whether the host removed the device under the adapter. */
  get removed(): boolean {
    return this.#removed;
  }

  /** Sets who is told of changes. */
  setEvents(events: MiniportEvents): void {
    this.#events = events;
  }

  /** Initializes, publishes the device name, and starts: Halted -> Paused -> Running. */
  async start(): Promise<void> {
    this.lifecycle.initialize();
    register(this);
    await this.lifecycle.restart();
  }

  /**
   * Opens a handle.
   *
   * @throws TunError `DELETE_PENDING` when the adapter is not present.
   */
  open(handle: Handle): void {
    const { state } = this.shared;
    if (!isPresent(state)) {
      throw new TunError(
        TunErrorCode.DELETE_PENDING,
        `the device of adapter "${this.link.info.name}" cannot be opened: the adapter is ${state} (delete pending); create another`,
      );
    }
    this.#handles.add(handle);
    this.lifecycle.opened();
  }

  /** Closes a handle; its reads complete as cancelled. */
  close(handle: Handle): void {
    if (!this.#handles.delete(handle)) return;
    this.requests.cancel(handle);
    this.lifecycle.closed();
  }

  /** Writes one bundle; see `Device.write`. */
  write(bytes: Uint8Array, length: number): number {
    const delivered = this.#path.write(bytes, length, this.#transactionsEnded);
    if (this.#path.linkClosed) this.#remove();
    return delivered;
  }

  /** Changes the device's addresses, MTU, routes. */
  configure(change: LinkReconfig): void {
    if (!isPresent(this.shared.state)) throw this.closedError();
    this.shared.mtuChanged(this.link.configure(change).mtu);
  }

  /** Why a handle that was forced closed fails. Made anew for each caller. */
  closedError(): TunError {
    if (this.#removed) {
      return new TunError(
        TunErrorCode.ADAPTER_REMOVED,
        `adapter "${this.link.info.name}" is gone: its network interface was removed by the system or by another program`,
      );
    }
    return new TunError(
      TunErrorCode.FORCED_CLOSED,
      `the device was forced closed: adapter "${this.link.info.name}" is ${this.shared.state}`,
    );
  }

  /** Halts; see `Adapter.close`. */
  halt(): Promise<void> {
    return this.lifecycle.halt(() => this.closedError());
  }

  /** The system goes down; see `Adapter.shutdown`. */
  shutdown(): void {
    this.lifecycle.shutdown(() => this.closedError());
  }

  /** Surprise removal: the device is gone, the adapter follows. */
  #remove(): void {
    if (this.#removed || !isPresent(this.shared.state)) return;
    this.#removed = true;
    this.requests.stop();
    void this.halt();
    this.#events?.link({ type: 'removed', info: { ...this.link.info, up: false } });
  }

  #forceClose(reason: () => TunError): void {
    this.requests.stop();
    this.requests.failAll(reason);
    const handles = [...this.#handles];
    this.#handles.clear();
    for (const handle of handles) {
      handle.forceClose();
      this.lifecycle.closed();
    }
  }

  #onLinkEvent(event: LinkEvent): void {
    if (event.type === 'removed') {
      this.#remove();
      return;
    }
    if (event.type === 'mtu') this.shared.mtuChanged(event.info.mtu);
    if (this.shared.state !== AdapterState.HALTED) this.#events?.link(event);
  }

  #indications(): Indications {
    return {
      state: (state, previous) => this.#events?.state(state, previous),
      media: (media) => this.#events?.media(media),
      power: (power) => this.#events?.power(power),
    };
  }
}
