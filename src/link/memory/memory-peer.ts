/** The in-process link of a thread that attached to another thread's adapter. The host stays there. */

import { TunError, TunErrorCode } from '../../errors.ts';
import type { Link, LinkInfo, LinkToken, LinkWatch } from '../link.ts';
import { DeviceLink } from './device-link.ts';
import { DeviceMemory, type DeviceToken, DeviceWord } from './device-memory.ts';
import { DeviceWatch } from './device-watch.ts';

export class MemoryPeer extends DeviceLink implements Link {
  readonly #memory: DeviceMemory;
  #watch: DeviceWatch | undefined;
  #info: LinkInfo;

  constructor(token: DeviceToken) {
    const memory = new DeviceMemory(token);
    super(memory);
    this.#memory = memory;
    this.#info = token.info;
  }

  get info(): LinkInfo {
    return { ...this.#info, mtu: this.#memory.get(DeviceWord.MTU) };
  }

  /** The host's thread is told, and handles it in its own time. */
  settle(): void {
    this.#memory.signal();
  }

  /** Of packets that are there already; of arrivals the host's thread tells by waking this one. */
  watch(onReadable: () => void): LinkWatch {
    this.#watch?.stop();
    this.#watch = new DeviceWatch(this.#memory, onReadable);
    return this.#watch;
  }

  onEvent(): void {
    // Events are the owner's.
  }

  onSystemSleep(): void {
    // Sleep is the owner's.
  }

  configure(): LinkInfo {
    throw notOwner();
  }

  share(): LinkToken {
    throw notOwner();
  }

  noteInfo(info: LinkInfo): void {
    this.#info = info;
  }

  close(): Promise<void> {
    this.#watch?.stop();
    return Promise.resolve();
  }
}

function notOwner(): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    'only the thread that created the adapter can do this; ask it to',
  );
}
