/** The link over a kernel TUN device, of a thread that attached to another thread's adapter. */

import { TunError, TunErrorCode } from '../../errors.ts';
import { closeOwned, ownedByThread } from '../../os/descriptors.ts';
import { bindAll, F_DUPFD_CLOEXEC, libc } from '../../os/libc.ts';
import { type Watch, watchReadable } from '../../os/poll.ts';
import type { Link, LinkInfo, LinkToken, LinkWatch } from '../link.ts';
import { requireEngine, TunLink } from './tun-link.ts';
import { TunMemory } from './tun-memory.ts';

type TunToken = Extract<LinkToken, { kind: 'linux' }>;

export class LinuxPeer extends TunLink implements Link {
  readonly #fds: readonly number[];
  readonly #shared: TunMemory;
  #watch: Watch | undefined;
  #info: LinkInfo;
  #open = true;

  /**
   * Makes descriptors of its own of the owner's, so that the numbers do not stand for something else
   * when the owner has closed its own. Whether the owner was there to lend it, the caller has to
   * see afterwards.
   *
   * @throws TunError `INVALID_STATE` when the owner has closed the link; `UNSUPPORTED` when the engine that
   * was asked for cannot be had in this thread.
   */
  constructor(token: TunToken) {
    bindAll();
    requireEngine(token.engine);
    const shared = new TunMemory(token.memory);
    const fds = lendAll(token.fds, shared);
    super(fds, shared, token);
    this.#fds = fds;
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
        this.#watch ??= watchReadable(this.readiness, onReadable);
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
    if (!this.#open) return;
    this.#open = false;
    this.closeParking();
    this.endWaiting();
    for (const fd of this.#fds) closeOwned(fd);
    if (last) this.#shared.close();
  }
}

/** Descriptors of this thread's for the files that the owner's stand for; all of them, or none. */
function lendAll(fds: readonly number[], shared: TunMemory): number[] {
  const own: number[] = [];
  try {
    for (const fd of fds) own.push(lend(fd, shared));
    return own;
  } catch (error) {
    for (const fd of own) closeOwned(fd);
    throw error;
  }
}

/** A descriptor of this thread's for the file that the owner's stands for. */
function lend(fd: number, shared: TunMemory): number {
  const own = shared.closed ? -1 : libc().fcntl(fd, F_DUPFD_CLOEXEC, 0);
  // The owner says that it closes before it does: the number was still its own when it was looked up.
  if (own >= 0 && !shared.closed) return ownedByThread(own);
  if (own >= 0) libc().close(own);
  throw new TunError(
    TunErrorCode.INVALID_STATE,
    'the adapter is gone: its owner has closed it, or its thread has ended',
  );
}

function notOwner(): TunError {
  return new TunError(
    TunErrorCode.UNSUPPORTED,
    'only the thread that created the adapter can do this; ask it to',
  );
}
