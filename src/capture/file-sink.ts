/** A capture file, or a row of them that each have at most so many bytes. */

import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { isTunError, type TunError } from '../errors.ts';
import { type ByteSink, sinkError } from './sink.ts';

/** How a file is framed, and how large it may get. */
export interface FileFrame {
  /** What each file begins with. */
  readonly header: Uint8Array;
  /** What a file ends with that another follows. */
  readonly trailer: () => Uint8Array;
  /** Bytes of a file, at most; what is written at once is never divided. */
  readonly rotateBytes?: number | undefined;
}

export class FileSink implements ByteSink {
  readonly #path: string;
  readonly #frame: FileFrame;
  /** The file that is written, and how much of it is whole blocks. */
  #current: string;
  #file: FileHandle;
  #size: number;
  #files = 1;
  #failed = false;

  private constructor(path: string, frame: FileFrame, file: FileHandle) {
    this.#path = path;
    this.#current = path;
    this.#frame = frame;
    this.#file = file;
    this.#size = frame.header.length;
  }

  /**
   * Makes the file, in place of one that is there, with its header.
   *
   * @throws TunError `SYSCALL` naming the path.
   */
  static async open(path: string, frame: FileFrame): Promise<FileSink> {
    return new FileSink(path, frame, await create(path, frame.header));
  }

  async write(bytes: Uint8Array, length: number): Promise<void> {
    const { rotateBytes = Number.POSITIVE_INFINITY, header, trailer } = this.#frame;
    try {
      if (this.#size > header.length) {
        const end = trailer();
        if (this.#size + length + end.length > rotateBytes) await this.#next(end);
      }
      await writeWhole(this.#file, bytes, length);
    } catch (cause) {
      this.#failed = true;
      // Without the block that is there in part: the file can be read up to there. A pipe has no length.
      await this.#file.truncate(this.#size).catch(() => undefined);
      throw diskError(this.#current, cause);
    }
    this.#size += length;
  }

  async close(trailer: Uint8Array): Promise<void> {
    try {
      if (!this.#failed) await writeWhole(this.#file, trailer, trailer.length);
    } catch (cause) {
      await this.#file.truncate(this.#size).catch(() => undefined);
      throw diskError(this.#current, cause);
    } finally {
      await this.#file.close();
    }
  }

  /** Ends this file and begins another. */
  async #next(trailer: Uint8Array): Promise<void> {
    const { header } = this.#frame;
    await writeWhole(this.#file, trailer, trailer.length);
    this.#size += trailer.length;
    const path = numbered(this.#path, this.#files);
    const next = await create(path, header);
    await this.#file.close();
    this.#file = next;
    this.#current = path;
    this.#size = header.length;
    this.#files++;
  }
}

/** `out.pcapng` becomes `out.1.pcapng`. */
function numbered(path: string, number: number): string {
  const extension = extname(path);
  return join(dirname(path), `${basename(path, extension)}.${number}${extension}`);
}

async function create(path: string, header: Uint8Array): Promise<FileHandle> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'w');
    await writeWhole(file, header, header.length);
    return file;
  } catch (cause) {
    await file?.close();
    throw diskError(path, cause);
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array, length: number): Promise<void> {
  for (let at = 0; at < length; ) {
    const { bytesWritten } = await file.write(bytes, at, length - at);
    at += bytesWritten;
  }
}

function diskError(path: string, cause: unknown): TunError {
  if (isTunError(cause)) return cause;
  return sinkError(
    `the capture file ${path}`,
    cause,
    'give a path where there is room and you may write',
  );
}
