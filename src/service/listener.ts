/**
 * Accepts connections, each with who made it. On Linux the sockets are accepted by ourselves, so that the
 * descriptor is known: by it the peer is asked for, and other descriptors can be sent.
 */

import { constants, unlinkSync } from 'node:fs';
import { createServer, type Server, Socket } from 'node:net';
import { F_GETFL, F_SETFD, F_SETFL, FD_CLOEXEC, libc } from '../os/libc.ts';
import { type Watch, watchReadable } from '../os/poll.ts';
import {
  acceptUnix,
  listenUnix,
  type PeerCredentials,
  peerCredentials,
  peerGroups,
} from '../os/unix-socket.ts';

/** Who is at the other end. */
export interface Peer extends PeerCredentials {
  /** Groups, `gid` not included. */
  readonly groups: readonly number[];
}

/** A connection that was accepted. */
export interface Incoming {
  /** Undefined where the system does not say. */
  readonly peer: Peer | undefined;
  /** The descriptor of `socket`, whose it stays; undefined where descriptors cannot be sent. */
  readonly fd: number | undefined;
  readonly socket: Socket;
}

/**
 * Told of each connection, from the event loop. `onData` gets what arrives, in memory that is valid during the call
 * alone, and returns whether it can take more; false stops the socket until `resume`.
 */
export type OnConnection = (incoming: Incoming) => (chunk: Uint8Array) => boolean;

/** Everybody may connect: who may stay is decided by who it is. */
const FILE_MODE = 0o666;
/** Connections that wait to be accepted, when a host with many clients has just started again. */
const BACKLOG = 1024;
/** Connections accepted in one turn of the event loop. */
const MAX_PER_TURN = 16;
/** How long until it is tried again when the process has no descriptor left, in ms. */
const RETRY_MS = 100;
/** Bytes taken from a socket at once: what the kernel holds for one by default. */
const CHUNK_BYTES = 262_144;

/** All sockets of the thread read into this: what they get is taken out before the next one reads. */
const chunk = new Uint8Array(CHUNK_BYTES);

export interface Listener {
  /** Accepts no more; removes the file. Connections stay. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Listens at `path`, a Unix socket that is not there yet. Never keeps the event loop alive.
 *
 * @throws RangeError for a path that is too long; TunError `NAME_TAKEN` when it exists, `SYSCALL`, `NO_FFI`.
 */
export function listenAt(path: string, onConnection: OnConnection): Listener {
  const fd = listenUnix(path, { mode: FILE_MODE, backlog: BACKLOG });
  return new UnixListener(fd, path, onConnection);
}

/** As {@link listenAt}, on a socket that listens already (systemd's), and whose file is left alone. */
export function listenOn(fd: number, onConnection: OnConnection): Listener {
  // Whoever made it need not have thought of that: an accept must not wait, and no child is to have it.
  libc().fcntl(fd, F_SETFL, libc().fcntl(fd, F_GETFL, 0) | constants.O_NONBLOCK);
  libc().fcntl(fd, F_SETFD, FD_CLOEXEC);
  return new UnixListener(fd, undefined, onConnection);
}

class UnixListener implements Listener {
  readonly #fd: number;
  readonly #path: string | undefined;
  readonly #onConnection: OnConnection;
  readonly #watch: Watch;
  #retry: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(fd: number, path: string | undefined, onConnection: OnConnection) {
    this.#fd = fd;
    this.#path = path;
    this.#onConnection = onConnection;
    this.#watch = watchReadable(fd, () => this.#accept());
    this.#watch.start();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #accept(): void {
    for (let accepted = 0; accepted < MAX_PER_TURN; accepted++) {
      const fd = acceptUnix(this.#fd);
      if (fd === undefined) {
        // Readable, and yet there is none: this process may have no more descriptors.
        if (accepted === 0) this.#pause();
        return;
      }
      this.#take(fd);
    }
  }

  #take(fd: number): void {
    let peer: Peer;
    try {
      peer = { ...peerCredentials(fd), groups: peerGroups(fd) };
    } catch {
      libc().close(fd);
      return;
    }
    let onData: (chunk: Uint8Array) => boolean = () => true;
    const onread = {
      buffer: chunk,
      callback: (bytes: number) => onData(chunk.subarray(0, bytes)),
    };
    // The type of the options does not know that the constructor takes `onread` as connect() does.
    const options = { fd, readable: true, writable: true, onread };
    const socket = new Socket(options);
    socket.on('error', () => undefined);
    onData = this.#onConnection({ peer, fd, socket });
  }

  #pause(): void {
    this.#watch.stop();
    this.#retry = setTimeout(() => this.#watch.start(), RETRY_MS);
  }

  async #close(): Promise<void> {
    clearTimeout(this.#retry);
    // The name goes first: whoever looks for the host must not find a socket that nobody accepts from.
    if (this.#path !== undefined) removeFile(this.#path);
    await this.#watch.close();
    libc().close(this.#fd);
  }
}

/** Removes a file that may be gone already. */
function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/**
 * Listens at a named pipe of Windows, where nobody says who connects. Not verified.
 *
 * Rejects with the error of Node.js.
 */
export async function listenAtPipe(path: string, onConnection: OnConnection): Promise<Listener> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    const onData = onConnection({ peer: undefined, fd: undefined, socket });
    socket.on('data', (data) => {
      if (!onData(data)) socket.pause();
    });
  });
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close();
        resolve();
      }),
  };
}
