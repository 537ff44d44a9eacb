/** The in-process link of a thread that attached to another thread's adapter. The host stays there. */

import { TunError, TunErrorCode } from '../../errors.ts';
import type { Link, LinkInfo, LinkToken, LinkWatch } from '../link.ts';
import { DeviceLink } from './device-link.ts';
import { DeviceMemory, type DeviceToken, DeviceWord } from './device-memory.ts';

export class MemoryPeer extends DeviceLink implements Link {
  readonly #memory: DeviceMemory;
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

  /** The host's thread tells of arrivals by waking this one. */
  watch(): LinkWatch {
    return { start: () => undefined, stop: () => undefined };
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
    return Promise.resolve();
  }
}

function notOwner(): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    'only the thread that created the adapter can do this; ask it to',
  );
}
