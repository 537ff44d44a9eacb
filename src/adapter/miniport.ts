/**
 * One thread's part in a network adapter (NDIS calls the driver's instance for an adapter the
 * miniport adapter): shared memory, link, data path, requests and lifecycle put together. `Adapter`
 * and `Device` are its public faces. The thread that created the adapter has an `OwnedMiniport`,
 * others an `AttachedMiniport`.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import type { Link, LinkEvent, LinkInfo, LinkReconfig } from '../link/link.ts';
import type { DropPolicy } from '../sync/packet-queue.ts';
import type { Liveness } from '../sync/participants.ts';
import type { Bundle } from './bundle.ts';
import { DataPath } from './data-path.ts';
import { Lifecycle } from './lifecycle.ts';
import type { ReadOwner } from './pending-reads.ts';
import { Requests } from './requests.ts';
import { SharedAdapter } from './shared-adapter.ts';
import type { ShareResult } from './sharing.ts';
import type { AdapterState, MediaState, PowerState } from './state.ts';
import { type Tap, Taps } from './tap.ts';
import { type Indications, Transitions } from './transitions.ts';

/** What a handle is to the miniport. */
export interface Handle {
  /** The adapter goes away: fail from now on. */
  forceClose(): void;
}

/** Told of changes, also of those that other threads make; set by the adapter. Must not throw. */
export interface MiniportEvents extends Indications {
  link(event: LinkEvent): void;
}

/** A change, as threads tell it each other. */
export type News =
  | { readonly type: 'state'; readonly state: AdapterState; readonly previous: AdapterState }
  | { readonly type: 'media'; readonly media: MediaState }
  | { readonly type: 'power'; readonly power: PowerState }
  | { readonly type: 'link'; readonly event: LinkEvent }
  /** The owner has configured the device. */
  | { readonly type: 'info'; readonly info: LinkInfo };

/** How the queue is filled: the same in all threads of an adapter. */
export interface QueueOptions {
  readonly dropPolicy: DropPolicy;
  readonly prefetch: boolean;
}

/** What a miniport is made of. */
export interface MiniportParts {
  readonly link: Link;
  readonly memory: SharedArrayBuffer;
  readonly participant: number;
  /** The lane this thread uses. */
  readonly lane: number;
  readonly liveness: Liveness;
  readonly luidIndex: number;
  readonly options: QueueOptions;
}

export abstract class Miniport {
  readonly luidIndex: number;
  readonly link: Link;
  readonly options: QueueOptions;
  readonly shared: SharedAdapter;
  readonly lifecycle: Lifecycle;
  protected readonly requests: Requests;
  protected readonly transitions: Transitions;
  protected readonly dataPath: DataPath;
  readonly #handles = new Set<Handle>();
  readonly #taps = new Taps();
  #events: MiniportEvents | undefined;

  protected constructor(parts: MiniportParts, owner: boolean) {
    const { link, options } = parts;
    this.link = link;
    this.options = options;
    this.luidIndex = parts.luidIndex;
    this.shared = new SharedAdapter({
      memory: parts.memory,
      participant: parts.participant,
      liveness: parts.liveness,
      place: link,
      lane: parts.lane,
      dropPolicy: options.dropPolicy,
      alone: owner,
    });
    link.join({
      participant: parts.participant,
      liveness: parts.liveness,
      queue: parts.lane,
      arrived: () => this.shared.wake.announce(),
    });
    this.dataPath = new DataPath(this.shared, link, () => this.transitions.transactionsEnded());
    this.transitions = new Transitions(this.shared, link, this.dataPath, this.#indications());
    this.lifecycle = new Lifecycle(this.shared, this.transitions);
    this.requests = new Requests(this.shared, link, this.dataPath, {
      owner,
      prefetch: owner && options.prefetch,
      linkClosed: () => this.linkClosed(),
      changed: () => this.#closeIfAbsent(),
    });
  }

  /** Halts the adapter, or, in a thread that attached to it, leaves it. Safe to call twice. */
  abstract halt(): Promise<void>;
  /** The system goes down. */
  abstract shutdown(): void;
  /** Changes the device's addresses, MTU, routes. */
  abstract configure(change: LinkReconfig): void;
  /** Makes a token for another thread. */
  abstract share(): ShareResult;
  /** The link says that its device is gone; possibly again and again. */
  protected abstract linkClosed(): void;
  /** Tells the other threads. */
  protected abstract tellOthers(news: News): void;

  /** Sets who is told of changes. */
  setEvents(events: MiniportEvents): void {
    this.#events = events;
  }

  /**
   * Opens a handle.
   *
   * @throws TunError `DELETE_PENDING` when the adapter is not present.
   */
  open(handle: Handle): void {
    this.transitions.open();
    this.#handles.add(handle);
  }

  /** Closes a handle; its reads complete as cancelled. */
  close(handle: Handle): void {
    if (!this.#handles.delete(handle)) return;
    this.requests.cancel(handle);
    this.transitions.close();
  }

  /** Queues a read; see `Device.read`. */
  read(owner: ReadOwner, buffer: Uint8Array, signal: AbortSignal | undefined): Promise<Bundle> {
    return this.#inside(() => this.requests.read(owner, buffer, signal));
  }

  /** Blocks until a bundle is there; see `Device.readSync`. `check` throws for a closed handle. */
  readSync(buffer: Uint8Array, timeoutMs: number, check: () => void): Bundle | null {
    return this.#inside(() =>
      this.requests.readSync(buffer, timeoutMs, () => {
        this.#closeIfAbsent();
        check();
        this.#requirePresent();
      }),
    );
  }

  /** Writes one bundle; see `Device.write`. */
  write(bytes: Uint8Array, length: number): number {
    const { rundown } = this.shared;
    rundown.enter();
    try {
      this.#requirePresent();
      const delivered = this.dataPath.write(bytes, length);
      if (this.dataPath.linkClosed) this.linkClosed();
      return delivered;
    } finally {
      rundown.leave();
    }
  }

  /**
   * Lets `tap` look at what this thread reads and writes, until it is removed.
   *
   * @throws TunError `FORCED_CLOSED` when the adapter is gone.
   */
  addTap(tap: Tap): void {
    this.#requirePresent();
    this.#taps.add(tap);
    this.dataPath.tap = this.#taps.active;
  }

  /** Nothing is shown to `tap` after this. Safe to call twice. */
  removeTap(tap: Tap): void {
    this.#taps.delete(tap);
    this.dataPath.tap = this.#taps.active;
  }

  /** Why a handle that was forced closed fails. Made anew for each caller. */
  closedError(): TunError {
    if (this.shared.removed) {
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

  /** What another thread tells. */
  protected hear(news: News): void {
    if (news.type === 'info') this.link.noteInfo(news.info);
    else if (news.type === 'state') this.#events?.state(news.state, news.previous);
    else if (news.type === 'media') this.#events?.media(news.media);
    else if (news.type === 'power') this.#events?.power(news.power);
    else {
      this.link.noteInfo(news.event.info);
      this.#events?.link(news.event);
    }
  }

  /** Something happened to the device: tells this thread's listeners, and the other threads. */
  protected tellLink(event: LinkEvent): void {
    this.#events?.link(event);
    this.tellOthers({ type: 'link', event });
  }

  /** Completes all reads of this thread and closes its handles by force. */
  protected forceClose(): void {
    this.requests.stop();
    this.requests.failAll(() => this.closedError());
    const handles = [...this.#handles];
    this.#handles.clear();
    for (const handle of handles) handle.forceClose();
    this.#taps.ended();
  }

  /** Closes this thread's handles as their own `close` would. */
  protected closeHandles(): void {
    for (const handle of [...this.#handles]) {
      this.close(handle);
      handle.forceClose();
    }
  }

  /** The adapter may have gone away in another thread. */
  #closeIfAbsent(): void {
    const gone = !this.shared.present || this.shared.removed;
    if (gone && this.#handles.size > 0) this.forceClose();
  }

  #requirePresent(): void {
    if (!this.shared.present || this.shared.removed) throw this.closedError();
  }

  #inside<T>(work: () => T): T {
    const { rundown } = this.shared;
    rundown.enter();
    try {
      this.#requirePresent();
      return work();
    } catch (error) {
      // A read that failed half way may have been the last that somebody waits for.
      this.dataPath.ended();
      throw error;
    } finally {
      rundown.leave();
    }
  }

  #indications(): Indications {
    return {
      state: (state, previous) => {
        this.#events?.state(state, previous);
        this.tellOthers({ type: 'state', state, previous });
      },
      media: (media) => {
        this.#events?.media(media);
        this.tellOthers({ type: 'media', media });
      },
      power: (power) => {
        this.#events?.power(power);
        this.tellOthers({ type: 'power', power });
      },
    };
  }
}
