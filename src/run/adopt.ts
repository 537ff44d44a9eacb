/** Makes an adapter of what the helper handed over. */

import { Adapter, TunError, TunErrorCode } from '../index.ts';
import { libc } from '../os/libc.ts';
import type { Handover } from './helper.ts';
import type { CheckedNamespaceOptions } from './options.ts';

/**
 * The adapter reports what the helper read back: the namespace is out of this process's sight. The
 * descriptors are used up, also when this fails.
 *
 * @throws TunError as `Adapter.fromFd`, or `HELPER` when no descriptor came.
 */
export async function adoptAdapter(
  { fds, info }: Handover,
  { offload }: CheckedNamespaceOptions,
): Promise<Adapter> {
  const [fd, ...others] = fds;
  for (const other of others) libc().close(other);
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
