/** The link over a kernel TUN device, of the thread that made it: it configures and closes. */

import { close } from 'node:fs';
import { promisify } from 'node:util';
import { libc } from '../../os/libc.ts';
import { type Watch, watchReadable } from '../../os/poll.ts';
import { type SleepWatch, watchSystemSleep } from '../../os/system-sleep.ts';
import type {
  Link,
  LinkEvent,
  LinkInfo,
  LinkReconfig,
  LinkToken,
  LinkWatch,
  SleepListener,
} from '../link.ts';
import type { DeviceControl } from './device-control.ts';
import { type Passage, TunLink } from './tun-link.ts';
import type { TunMemory } from './tun-memory.ts';

const closeDescriptor = promisify(close);

/** What becomes of the device when its link is closed: `remove` it, or `keep` it as it is. */
export type Ending = 'remove' | 'keep';

export class LinuxLink extends TunLink implements Link {
  readonly #fds: readonly number[];
  readonly #shared: TunMemory;
  readonly #control: DeviceControl;
  readonly #passage: Passage;
  readonly #ending: Ending;
  #watch: Watch | undefined;
  #sleep: SleepWatch | undefined;
  #closing: Promise<void> | undefined;

  /** Takes over the descriptors and `control`; `close` releases both. */
  constructor(
    fds: readonly number[],
    control: DeviceControl,
    shared: TunMemory,
    passage: Passage,
    ending: Ending,
  ) {
    super(fds, shared, passage);
    this.#fds = fds;
    this.#shared = shared;
    this.#control = control;
    this.#passage = passage;
    this.#ending = ending;
  }

  get info(): LinkInfo {
    return this.#control.info;
  }

  watch(onReadable: () => void): LinkWatch {
    this.#watch = watchReadable(this.readiness, onReadable);
    return this.#watch;
  }

  onEvent(listener: (event: LinkEvent) => void): void {
    this.#control.onEvent(listener);
  }

  onSystemSleep(listener: SleepListener): void {
    this.#sleep = watchSystemSleep(listener);
  }

  configure(change: LinkReconfig): LinkInfo {
    return this.#control.configure(change);
  }

  hostDrops(): number {
    const drops = this.#control.hostDrops();
    this.#shared.hostDrops = drops;
    return drops;
  }

  /** The other threads make descriptors of their own of this one (linux-peer.ts). */
  share(): LinkToken {
    this.#shared.share();
    const { buffer: memory } = this.#shared;
    return { kind: 'linux', fds: this.#fds, memory, ...this.#passage, info: this.info };
  }

  noteInfo(): void {
    // The owner is who knows.
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  /**
   * Closing the last descriptor of a TUN removes the device and holds a thread for about 20 ms: one of
   * libuv's pool. Where other threads may still hold one, it is removed by request, if it is ours.
   */
  async #release(): Promise<void> {
    this.#sleep?.close();
    this.#shared.close();
    await this.#watch?.close();
    this.endWaiting();
    if (this.#shared.shared && this.#ending === 'remove') this.#control.removeDevice();
    await this.#control.close();
    for (const fd of this.#shared.takeEventFds()) libc().close(fd);
    await Promise.all(this.#fds.map((fd) => closeDescriptor(fd)));
  }
}
