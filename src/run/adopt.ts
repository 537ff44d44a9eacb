/** Makes an adapter of what the helper handed over. */

import { Adapter, TunError, TunErrorCode } from '../index.ts';
import { closeOwned, ownedByThread } from '../os/descriptors.ts';
import { libc } from '../os/libc.ts';
import type { Handover } from './helper.ts';
import type { CheckedNamespaceOptions } from './options.ts';

/**
 * The adapter reports what the helper read back: the namespace is out of this process's sight. The
 * first descriptor is used up, also when this fails; the others stay with {@link Held}.
 *
 * @throws TunError as `Adapter.fromFd`, or `HELPER` when no descriptor came.
 */
export async function adoptAdapter(
  { fds, info }: Handover,
  { offload }: CheckedNamespaceOptions,
): Promise<Adapter> {
  const [fd] = fds;
  if (fd === undefined) {
    throw new TunError(
      TunErrorCode.HELPER,
      'the helper handed over no adapter; is this a mix of two versions of typetun?',
    );
  }
  const { addresses, mtu } = info;
  try {
    return await Adapter.fromFd(fd, { addresses, mtu, offload });
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/** The descriptors that came besides the adapter's: to be disposed of once the adapter is closed. */
export class Held {
  readonly #fds: readonly number[];

  constructor({ fds }: Handover) {
    this.#fds = fds.slice(1).map(ownedByThread);
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) closeOwned(fd);
  }
}
