/** The link over a kernel TUN device, of a thread that attached to another thread's adapter. */

import { TunError, TunErrorCode } from '../../errors.ts';
import { libc } from '../../os/libc.ts';
import { type Watch, watchReadable } from '../../os/poll.ts';
import type { Link, LinkInfo, LinkToken, LinkWatch } from '../link.ts';
import { TunLink } from './tun-link.ts';
import { TunMemory } from './tun-memory.ts';

type TunToken = Extract<LinkToken, { kind: 'linux' }>;

export class LinuxPeer extends TunLink implements Link {
  readonly #fd: number;
  readonly #shared: TunMemory;
  #watch: Watch | undefined;
  #info: LinkInfo;

  constructor(token: TunToken) {
    const shared = new TunMemory(token.memory);
    super(token.fd, shared, token);
    this.#fd = token.fd;
    this.#shared = shared;
    this.#info = token.info;
  }

  get info(): LinkInfo {
    return { ...this.#info, mtu: this.#shared.mtu };
  }

  /** Nothing is watched, and no poller thread runs, before the first `start`. */
  watch(onReadable: () => void): LinkWatch {
    return {
      start: () => {
        this.#watch ??= watchReadable(this.#fd, onReadable);
        this.#watch.start();
      },
      stop: () => this.#watch?.stop(),
    };
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

  hostDrops(): number {
    return this.#shared.hostDrops;
  }

  share(): LinkToken {
    throw notOwner();
  }

  noteInfo(info: LinkInfo): void {
    this.#info = info;
  }

  async close(last = false): Promise<void> {
    await this.#watch?.close();
    this.#watch = undefined;
    if (!last) return;
    this.#shared.close();
    for (const fd of this.#shared.takeDescriptors()) libc().close(fd);
  }
}

function notOwner(): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    'only the thread that created the adapter can do this; ask it to',
  );
}
