/** The run directory of a host: made, locked, and kept free of what a dead host has left. */

import {
  chmodSync,
  closeSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { TunError, TunErrorCode } from '../errors.ts';
import { lockFile } from '../os/file-lock.ts';
import { libc } from '../os/libc.ts';
import { connectUnix } from '../os/unix-socket.ts';
import { type Listener, listenAt, type OnConnection } from './listener.ts';
import type { HostLog } from './log.ts';
import type { Stage } from './stage.ts';

/** Everybody may look in, so that whoever is refused hears why. */
const SYSTEM_MODE = 0o755;
const USER_MODE = 0o700;
/** The right to write, of group and others. */
const OTHERS_WRITE = 0o022;
const LOCK = 'lock';
/** Sockets of devices. */
const DEVICE_SOCKET = /^WINTUN\d+$/;

export class RunFolder implements Stage {
  readonly path: string;
  readonly folder: string;
  readonly #lock: number;
  #open = true;

  private constructor(path: string, lock: number) {
    this.path = path;
    this.folder = path;
    this.#lock = lock;
  }

  /**
   * Makes the folder where there is none, and locks it for this process.
   *
   * @throws TunError `CONFIG` for something else in its place, or one that others may write to; `HOST_RUNNING`; `NO_FFI`.
   */
  static open(path: string): RunFolder {
    makeFolder(path);
    const lock = takeLock(path);
    const pid = new TextEncoder().encode(`${process.pid}\n`);
    ftruncateSync(lock);
    writeSync(lock, pid, 0, pid.length, 0);
    return new RunFolder(path, lock);
  }

  pathOf(name: string): string {
    return join(this.path, name);
  }

  async listen(name: string, onConnection: OnConnection): Promise<Listener> {
    return listenAt(this.place(name), onConnection);
  }

  /**
   * The path of a socket that is to be made. One of a dead host is removed.
   *
   * @throws TunError `CONFIG` for anything else in its place, which is left alone.
   */
  place(name: string): string {
    const path = this.pathOf(name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return path;
    const what = foreign(stats);
    if (what !== undefined) {
      throw wrong(`${path} is ${what}, where a socket of the host is to be; remove it`);
    }
    const live = connectUnix(path);
    if (live !== undefined) {
      libc().close(live);
      throw wrong(`somebody listens at ${path} who is no typetun host; end that program`);
    }
    unlinkSync(path);
    return path;
  }

  /** Removes the sockets of devices that a dead host has left; what is no such thing stays, and is told. */
  sweep(log: HostLog): void {
    for (const name of readdirSync(this.path)) {
      if (!DEVICE_SOCKET.test(name)) continue;
      try {
        this.place(name);
      } catch (error) {
        log.warn((error as Error).message);
      }
    }
  }

  /** Unlocks it. Safe to call twice. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#lock);
  }
}

function makeFolder(path: string): void {
  const isRoot = process.geteuid?.() === 0;
  try {
    mkdirSync(path, { mode: USER_MODE });
    // Not by mkdir: what it is given the process's umask takes from.
    if (isRoot) chmodSync(path, SYSTEM_MODE);
    return;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      throw wrong(`the run directory ${path} cannot be made: the folder above it is not there`);
    }
    if (code !== 'EEXIST') {
      throw wrong(`the run directory ${path} cannot be made (${code}); choose another`);
    }
  }
  const stats = lstatSync(path);
  if (stats.isSymbolicLink())
    throw wrong(`the run directory ${path} is a symbolic link; give where it leads`);
  if (!stats.isDirectory()) throw wrong(`the run directory ${path} is no folder; choose another`);
  if (stats.uid !== process.geteuid?.()) {
    throw wrong(
      `the run directory ${path} belongs to user ${stats.uid}, and the host runs as user ${process.geteuid?.()}; choose another, or remove it`,
    );
  }
  if ((stats.mode & OTHERS_WRITE) !== 0) {
    throw wrong(`others may write to the run directory ${path}; take that away (chmod go-w)`);
  }
}

function takeLock(folder: string): number {
  const path = join(folder, LOCK);
  let lock: number | undefined;
  try {
    lock = lockFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ELOOP' && code !== 'EISDIR' && code !== 'ENXIO') throw error;
    throw wrong(`${path} is no file of the host's (${code}); remove it`);
  }
  if (lock !== undefined) return lock;
  throw new TunError(
    TunErrorCode.HOST_RUNNING,
    `a host runs already at ${folder} (process ${readFileSync(path, 'utf8').trim()}); end it, or choose another run directory`,
  );
}

/** What it is if it is not a socket of this user's. */
function foreign(stats: Stats): string | undefined {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isDirectory()) return 'a folder';
  if (!stats.isSocket()) return 'a file';
  return stats.uid === process.geteuid?.() ? undefined : `a socket of user ${stats.uid}`;
}

function wrong(message: string): TunError {
  return new TunError(TunErrorCode.CONFIG, message);
}
