/**
 * Where a host has its sockets: a run directory of Linux, or the named pipes of Windows, whose code from here on is
 * the same and **not verified**.
 */

import { TunError, TunErrorCode } from '../errors.ts';
import { kernelLink } from '../index.ts';
import { type Listener, listenAtPipe, type OnConnection } from './listener.ts';
import type { HostLog } from './log.ts';
import { PIPE_DIRECTORY } from './run-directory.ts';
import { RunFolder } from './run-folder.ts';

export interface Stage {
  /** Of the run directory. */
  readonly path: string;
  /** The folder for what is to be remembered; undefined where there is none. */
  readonly folder: string | undefined;
  /** The path of a socket. */
  pathOf(name: string): string;
  /** Rejects with TunError `CONFIG` for something else in its place. */
  listen(name: string, onConnection: OnConnection): Promise<Listener>;
  /** Removes what a dead host has left. */
  sweep(log: HostLog): void;
  /** Makes room for the next host. Safe to call twice. */
  close(): void;
}

/**
 * Opens the place for sockets.
 *
 * @throws TunError `UNSUPPORTED` where it takes an option that was not given, or there is none; and as `RunFolder.open`.
 */
export function openStage(
  path: string,
  { unverifiedPeers = false }: { readonly unverifiedPeers?: boolean | undefined },
  system: ReturnType<typeof kernelLink> = kernelLink(),
): Stage {
  if (system === 'linux') return RunFolder.open(path);
  if (system !== 'windows') {
    throw new TunError(TunErrorCode.UNSUPPORTED, 'a host is there for Linux, and for Windows');
  }
  if (unverifiedPeers) return new Pipes(path);
  throw new TunError(
    TunErrorCode.UNSUPPORTED,
    'on Windows nobody tells who opens a named pipe of Node.js, so that everybody of the machine could; if that may be, say "unverifiedPeers": true in the configuration',
  );
}

class Pipes implements Stage {
  readonly path: string;
  readonly folder = undefined;

  constructor(path: string) {
    this.path = path || PIPE_DIRECTORY;
  }

  pathOf(name: string): string {
    return `${this.path}\\${name}`;
  }

  listen(name: string, onConnection: OnConnection): Promise<Listener> {
    return listenAtPipe(this.pathOf(name), onConnection);
  }

  sweep(): void {
    // A pipe goes with its process.
  }

  close(): void {
    // The same.
  }
}
