/** The link over a kernel TUN device, of the thread that made it: it configures and closes. */

import { close } from 'node:fs';
import { promisify } from 'node:util';
import { libc } from '../../os/libc.ts';
import { type Watch, watchReadable } from '../../os/poll.ts';
import { type SleepWatch, watchSystemSleep } from '../../os/system-sleep.ts';
import type {
  Engine,
  Link,
  LinkEvent,
  LinkInfo,
  LinkReconfig,
  LinkToken,
  LinkWatch,
  SleepListener,
} from '../link.ts';
import type { LinuxControl } from './control.ts';
import type { Tun } from './tun.ts';
import { type Passage, TunLink } from './tun-link.ts';
import type { TunMemory } from './tun-memory.ts';

const closeDescriptor = promisify(close);

export class LinuxLink extends TunLink implements Link {
  readonly #tun: Tun;
  readonly #shared: TunMemory;
  readonly #control: LinuxControl;
  readonly #engine: Engine;
  #watch: Watch | undefined;
  #sleep: SleepWatch | undefined;
  #closing: Promise<void> | undefined;

  /** Takes over `tun` and `control`; `close` releases both. */
  constructor(tun: Tun, control: LinuxControl, shared: TunMemory, passage: Passage) {
    super(tun.fds, shared, passage);
    this.#engine = passage.engine;
    this.#tun = tun;
    this.#shared = shared;
    this.#control = control;
  }

  get info(): LinkInfo {
    return this.#control.info;
  }

  watch(onReadable: () => void): LinkWatch {
    this.#watch = watchReadable(this.fd, onReadable);
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
    const { offload, segmentation } = this.capabilities;
    const { buffer: memory } = this.#shared;
    const { fds } = this.#tun;
    const engine = this.#engine;
    return { kind: 'linux', fds, memory, offload, segmentation, engine, info: this.info };
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
   * libuv's pool. Where other threads may still hold one, it is removed by request.
   */
  async #release(): Promise<void> {
    this.#sleep?.close();
    this.#shared.close();
    await this.#watch?.close();
    if (this.#shared.shared) this.#control.removeDevice();
    await this.#control.close();
    for (const fd of this.#shared.takeEventFds()) libc().close(fd);
    await Promise.all(this.#tun.fds.map((fd) => closeDescriptor(fd)));
  }
}
