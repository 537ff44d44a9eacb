/**
 * The in-process link of the thread that has the host: the host's device, whose packets it takes and
 * gives, and the host, which handles them when it gets its turn.
 */

import { whenNotified } from '../../sync/wake.ts';
import type {
  Link,
  LinkEvent,
  LinkInfo,
  LinkReconfig,
  LinkToken,
  LinkUser,
  LinkWatch,
  SleepListener,
} from '../link.ts';
import type { MemoryDevice } from './device.ts';
import { DeviceLink } from './device-link.ts';
import { DeviceWord } from './device-memory.ts';
import { DeviceWatch } from './device-watch.ts';

/** What the link needs of the host behind its device. */
export interface HostProcessing {
  /** Handles what lies in the device's receive queue. Does nothing when it is doing so already. */
  process(): void;
  /** Milliseconds until a delayed packet falls due; `Infinity` when none is. */
  delayMs(): number;
  /** Lets go of the delayed packets that are due. */
  pump(): void;
}

export class MemoryLink extends DeviceLink implements Link {
  readonly #device: MemoryDevice;
  readonly #host: HostProcessing;
  #watch: LinkWatch | undefined;
  #shared = false;

  constructor(device: MemoryDevice, host: HostProcessing) {
    super(device.memory);
    this.#device = device;
    this.#host = host;
  }

  get info(): LinkInfo {
    return this.#device.info;
  }

  override join(user: LinkUser): void {
    super.join(user);
    this.#device.onArrival = () => user.arrived();
  }

  settle(): void {
    this.#host.process();
  }

  override park(participant: number, words: Int32Array, index: number, timeoutMs: number): void {
    this.#attend();
    super.park(participant, words, index, Math.min(timeoutMs, this.#host.delayMs()));
    this.#attend();
  }

  watch(onReadable: () => void): LinkWatch {
    this.#watch?.stop();
    const watch = new DeviceWatch(this.#device.memory, onReadable);
    this.#watch = watch;
    this.#device.onReadable = () => watch.look();
    return watch;
  }

  onEvent(listener: (event: LinkEvent) => void): void {
    this.#device.onEvent = listener;
  }

  onSystemSleep(listener: SleepListener): void {
    this.#device.onSystemSleep = listener;
  }

  configure(change: LinkReconfig): LinkInfo {
    return this.#device.change(change);
  }

  share(): LinkToken {
    if (!this.#shared) {
      this.#shared = true;
      void this.#serveOthers();
    }
    return this.#device.token;
  }

  noteInfo(): void {
    // The owner is who knows.
  }

  close(): Promise<void> {
    this.#watch?.stop();
    this.#device.silence();
    this.#device.remove();
    return Promise.resolve();
  }

  /** The host's turn, in a thread that is about to park or was parked. */
  #attend(): void {
    this.#host.pump();
    this.#host.process();
  }

  /** The host handles what other threads gave, until the device is gone. */
  async #serveOthers(): Promise<void> {
    const { words } = this.#device.memory;
    while (!this.#device.gone) {
      const seen = Atomics.load(words, DeviceWord.RECEIVED);
      this.#host.process();
      await whenNotified(words, DeviceWord.RECEIVED, seen);
    }
  }
}
