/** The link over a kernel TUN device, of the thread that made it: it configures and closes. */

import { close } from 'node:fs';
import { promisify } from 'node:util';
import { closeOwned, ownedCopies } from '../../os/descriptors.ts';
import { type Watch, watchReadable } from '../../os/poll.ts';
import { type SleepWatch, watchSystemSleep } from '../../os/system-sleep.ts';
import type {
  Link,
  LinkEvent,
  LinkInfo,
  LinkLoan,
  LinkReconfig,
  LinkToken,
  LinkUser,
  LinkWatch,
  SleepListener,
} from '../link.ts';
import type { DeviceControl } from './device-control.ts';
import { type Passage, TunLink } from './tun-link.ts';
import type { TunMemory } from './tun-memory.ts';
import { endOffload } from './tun-requests.ts';

const closeDescriptor = promisify(close);

/**
 * What becomes of the device when its link is closed:
 * - `remove`: it goes, whoever holds descriptors of it;
 * - `leave`: it stays for who attaches next, who must not find offload that they did not ask for;
 * - `persist`: the same of a device that the link made; but when nobody ever joined the link, since no
 *   adapter came of it, it goes;
 * - `keep`: others use it by descriptors like these, and nothing is touched.
 */
export type Ending = 'remove' | 'leave' | 'persist' | 'keep';

export class LinuxLink extends TunLink implements Link {
  readonly #fds: readonly number[];
  readonly #shared: TunMemory;
  readonly #control: DeviceControl;
  readonly #passage: Passage;
  #ending: Ending;
  #watch: Watch | undefined;
  #sleep: SleepWatch | undefined;
  #closing: Promise<void> | undefined;
  #joined = false;

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

  override join(user: LinkUser): void {
    this.#joined = true;
    super.join(user);
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

  handOver(): LinkLoan {
    const fds = ownedCopies(this.#fds);
    return {
      fds,
      keepDevice: () => {
        this.#ending = 'keep';
      },
      release: () => {
        for (const fd of fds.splice(0)) closeOwned(fd);
      },
    };
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
    this.#end();
    await this.#control.close();
    this.closeParking();
    await Promise.all(this.#fds.map((fd) => closeDescriptor(fd)));
  }

  #end(): void {
    if (this.#ending === 'keep') return;
    if (this.#ending === 'remove') {
      if (this.#shared.shared) this.#control.removeDevice();
    } else if (this.#ending === 'persist' && !this.#joined) {
      this.#control.removeDevice();
    } else if (this.capabilities.segmentation.length > 0) {
      const inUse = (this.#control.attachedQueues() ?? 0) > this.#fds.length;
      if (!inUse) endOffload(this.#fds[0]!);
    }
  }
}
