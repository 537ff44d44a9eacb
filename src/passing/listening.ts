/** Waiting at a path for the one who is to hand over. */

import { lstatSync, unlinkSync } from 'node:fs';
import { closeOwned, ownedByThread } from '../os/descriptors.ts';
import { watchReadable } from '../os/poll.ts';
import { acceptUnix, listenUnix } from '../os/unix-socket.ts';
import { requirePeer } from './options.ts';
import type { Patience } from './patience.ts';

/** Whoever may come in: who it is is looked at once he is there. */
const EVERYBODY = 0o666;
/** In front of a name that is no file's. */
const ABSTRACT = '\0';

/**
 * Listens at `path` until somebody of the right user is there, and returns the connection, which is the caller's.
 * Others are turned away. Nothing is left at the path then, or when it rejects: unless the thread is
 * terminated meanwhile, or somebody has put something else there.
 *
 * Rejects with TunError `NAME_TAKEN` when the path exists, `SYSCALL`, or with why there is no more time.
 */
export async function accepted(
  path: string,
  user: number | undefined,
  patience: Patience,
): Promise<number> {
  const isOther = user !== undefined && user !== process.geteuid?.();
  const listener = listen(path, isOther ? EVERYBODY : undefined);
  const remove = remover(path);
  try {
    return await nextPeer(listener, user, patience);
  } finally {
    // While it listens nobody else's file can have its number.
    remove();
    closeOwned(listener);
  }
}

/** Listens as {@link listenUnix}, with a descriptor that ends with this thread. */
function listen(path: string, mode: number | undefined): number {
  const made = listenUnix(path, mode === undefined ? {} : { mode });
  const remove = remover(path);
  try {
    return ownedByThread(made);
  } catch (error) {
    remove();
    throw error;
  }
}

async function nextPeer(
  listener: number,
  user: number | undefined,
  patience: Patience,
): Promise<number> {
  let readable = (): void => {};
  const watch = watchReadable(listener, () => readable());
  try {
    for (;;) {
      const fd = acceptUnix(listener);
      if (fd === undefined) {
        await patience.wait((done) => {
          readable = done;
          watch.start();
          return () => watch.stop();
        });
        continue;
      }
      try {
        return requirePeer(fd, user);
      } catch {
        // Turned away; whoever comes next may be the right one.
      }
    }
  } finally {
    await watch.close();
  }
}

/** What removes the file that is at the path now, and no other. */
function remover(path: string): () => void {
  if (path.startsWith(ABSTRACT)) return () => {};
  const made = fileAt(path);
  return () => {
    const present = fileAt(path);
    if (made === undefined || present?.dev !== made.dev || present.ino !== made.ino) return;
    try {
      unlinkSync(path);
    } catch {
      // It was gone this moment, or may not be removed any more: nobody listens there.
    }
  };
}

function fileAt(path: string): { readonly dev: bigint; readonly ino: bigint } | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}
