/**
 * The transitions of one adapter: state, power, media. Control calls are serialised; a `pause` that
 * arrives while one is under way joins it.
 *
 * The order within each transition is the original's (docs/driver-contract.md, section 4): change
 * the state, then clear the queue, then indicate. Starting up drains what the host queued meanwhile
 * before the new state is set, since nothing is accepted yet.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import type { Link } from '../link/link.ts';
import { Counter } from '../sync/layout.ts';
import { ControlQueue } from './control-queue.ts';
import type { DataPath } from './data-path.ts';
import type { SharedAdapter } from './shared-adapter.ts';
import { AdapterState, isPresent, MediaState, PowerState } from './state.ts';

/** Told of each change, after it is complete. Must not throw. */
export interface Indications {
  state(state: AdapterState, previous: AdapterState): void;
  media(media: MediaState): void;
  power(power: PowerState): void;
}

/** What the lifecycle makes the rest of the adapter do. */
export interface LifecycleHooks {
  /** Begin to serve the link. */
  start(): void;
  /** The device name disappears: nobody can open it any more. */
  unpublish(): void;
  /** Stop serving, complete all reads, force all handles closed. */
  forceClose(reason: () => TunError): void;
}

export class Lifecycle {
  readonly #shared: SharedAdapter;
  readonly #link: Link;
  readonly #path: DataPath;
  readonly #indicate: Indications;
  readonly #hooks: LifecycleHooks;
  readonly #control = new ControlQueue();
  #pausing: { promise: Promise<void>; complete: () => void } | undefined;
  #halted: Promise<void> | undefined;

  constructor(
    shared: SharedAdapter,
    link: Link,
    path: DataPath,
    indicate: Indications,
    hooks: LifecycleHooks,
  ) {
    this.#shared = shared;
    this.#link = link;
    this.#path = path;
    this.#indicate = indicate;
    this.#hooks = hooks;
  }

  /** Halted -> Initializing -> Paused, with power D0 and nobody listening. */
  initialize(): void {
    this.#transition(AdapterState.INITIALIZING);
    this.#shared.power = PowerState.D0;
    this.#link.setMediaConnected(false);
    this.#transition(AdapterState.PAUSED);
    this.#hooks.start();
    this.#indicate.media(MediaState.DISCONNECTED);
  }

  /** Paused -> Restarting -> Running. Does nothing when Running. */
  restart(): Promise<void> {
    return this.#control.run(async () => {
      this.#requirePresent('restart');
      if (this.#shared.state === AdapterState.RUNNING) return;
      this.#transition(AdapterState.RESTARTING);
      this.#path.discard();
      this.#shared.begin(1);
      this.#transition(AdapterState.RUNNING);
    });
  }

  /** Running -> Pausing -> Paused; resolves when Paused. Joins a pause that is under way. */
  pause(): Promise<void> {
    if (this.#pausing !== undefined) return this.#pausing.promise;
    return this.#control.run(() => {
      this.#requirePresent('pause');
      return this.#pauseWith(Counter.DROP_PAUSED);
    });
  }

  /** Empties the queue as "request aborted" and pauses, so that nothing holds a removal up. */
  removalQuery(): Promise<void> {
    return this.#control.run(() => {
      this.#requirePresent('query removal of');
      return this.#pauseWith(Counter.DROP_CLEARED);
    });
  }

  /** Changes device power; configuration and handles stay as they are. */
  setPower(power: PowerState): Promise<void> {
    return this.#control.run(async () => {
      this.#requirePresent('set the power of');
      const before = this.#shared.power;
      if (power === before) return;
      if (power === PowerState.D0) {
        this.#path.discard();
        this.#shared.power = power;
      } else {
        this.#shared.power = power;
        if (before === PowerState.D0) this.#path.clearQueue(Counter.DROP_LOW_POWER);
      }
      this.#indicate.power(power);
    });
  }

  /** A handle was opened: the first connects the media. */
  opened(): void {
    if (this.#shared.openHandles === 0) this.#path.discard();
    this.#shared.openHandles += 1;
    if (this.#shared.openHandles > 1) return;
    this.#shared.media = MediaState.CONNECTED;
    this.#link.setMediaConnected(true);
    this.#indicate.media(MediaState.CONNECTED);
  }

  /** A handle was closed: the last disconnects the media. */
  closed(): void {
    this.#shared.openHandles -= 1;
    if (this.#shared.openHandles > 0) return;
    this.#shared.media = MediaState.DISCONNECTED;
    this.#path.clearQueue(Counter.DROP_NOT_OPEN);
    this.#link.setMediaConnected(false);
    this.#indicate.media(MediaState.DISCONNECTED);
  }

  /**
   * Pauses, then Paused -> Halting -> Halted: the device name goes first, reads complete with
   * `reason`, handles are closed, the link is released. Resolves for every caller when Halted.
   */
  halt(reason: () => TunError): Promise<void> {
    this.#halted ??= this.#control.run(async () => {
      await this.#pauseWith(Counter.DROP_PAUSED);
      // A shutdown may come at any point where this waits; it is final, and the link is still to go.
      if (this.#shared.state === AdapterState.PAUSED) {
        this.#hooks.unpublish();
        this.#transition(AdapterState.HALTING);
        this.#hooks.forceClose(reason);
      }
      await this.#link.close();
      if (this.#shared.state === AdapterState.SHUTDOWN) return;
      this.#shared.power = PowerState.UNSPECIFIED;
      this.#transition(AdapterState.HALTED);
    });
    return this.#halted;
  }

  /** The system goes down: everything ends at once, in any state, and nothing begins again. */
  shutdown(reason: () => TunError): void {
    if (this.#shared.state === AdapterState.SHUTDOWN) return;
    this.#hooks.unpublish();
    this.#transition(AdapterState.SHUTDOWN);
    this.#path.clearQueue(Counter.DROP_CLEARED);
    this.#hooks.forceClose(reason);
    this.transactionsEnded();
  }

  /** The last active transaction ended: completes the pause that waited for it, once. */
  transactionsEnded(): void {
    const pausing = this.#pausing;
    if (pausing === undefined) return;
    this.#pausing = undefined;
    if (this.#shared.state === AdapterState.PAUSING) this.#transition(AdapterState.PAUSED);
    pausing.complete();
  }

  #pauseWith(reason: Counter): Promise<void> {
    if (this.#shared.state !== AdapterState.RUNNING) return Promise.resolve();
    let complete = (): void => undefined;
    const promise = new Promise<void>((resolve) => {
      complete = resolve;
    });
    this.#pausing = { promise, complete };
    this.#transition(AdapterState.PAUSING);
    this.#path.clearQueue(reason);
    if (this.#shared.end(1)) this.transactionsEnded();
    return promise;
  }

  #transition(to: AdapterState): void {
    const previous = this.#shared.state;
    this.#shared.transition(to);
    this.#indicate.state(to, previous);
  }

  #requirePresent(what: string): void {
    const { state } = this.#shared;
    if (isPresent(state)) return;
    throw new TunError(
      TunErrorCode.INVALID_STATE,
      `cannot ${what} an adapter that is ${state}; create a new one`,
    );
  }
}
